import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCli } from './run-cli.ts';
import { writeSmallLlama } from './small-llama.ts';

let cwd = '';
const moda = (...args: string[]) => runCli(args, { cwd });
const DEVICE = ['-d', 'cpu', '--threads', '1'];
const SETTINGS = [
  ...['training.batchSize=4', 'training.seqLen=24', 'schedule.kind=constant', 'schedule.warmupSteps=1'],
  ...['checkpoint.every=200', 'evaluation.every=100', 'samples.maxNewTokens=3', 'logging.peakFlops=1e9'],
  ...['optimizer.lr=1e-2', 'data.heldOut=0', 'samples.prompts=[a]'],
].flatMap((setting) => ['-s', setting]);
const train = (data: string, ...args: string[]) =>
  moda('train', data, '--from', 'small', ...DEVICE, ...SETTINGS, ...args);
const answers = async (model: string, ...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await moda('chat', model, '-t', '0', '--max-new-tokens', '12', ...DEVICE, ...args);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
};

const TEMPLATE =
  "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('No system message') }}{% endif %}{{ '[' + m.role[0] + ']' + m.content + eos_token }}{% endfor %}{% if add_generation_prompt %}{{ '[a]' }}{% endif %}";
const talk = (question: string, answer: string) => ({
  messages: [
    { role: 'user', content: question },
    { role: 'assistant', content: answer },
  ],
});

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'moda-chat-'));
  await writeSmallLlama(cwd, 'small', 3);
  await writeFile(join(cwd, 'chat.jinja'), TEMPLATE);
  const rows = Array.from({ length: 40 }, (_, i) => talk(i % 2 ? 'ab' : 'cd', i % 2 ? 'bead' : 'dab'));
  await writeFile(join(cwd, 'chat.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

it('a model learns answers, and gives them by its template: as a run, a folder and a GGUF file', {
  timeout: 400_000,
}, async () => {
  const { code, stderr } = await train(
    'chat.jsonl',
    '-s',
    'data.chatTemplate=chat.jinja',
    '-n',
    'chat',
    '--steps',
    '200',
  );
  expect([code, stderr]).toEqual([0, '']);
  const rows = (await readFile(join(cwd, 'runs/chat/metrics.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  // Answers follow from questions: nothing is left to be learned. Questions are drawn by chance and would stay above ln(2) / 8.
  expect(rows.at(-1).loss).toBeLessThan(0.05);
  expect(await answers('chat', '-p', 'ab')).toBe('bead\n');
  expect(await answers('chat', '-p', 'cd')).toBe('dab\n');
  expect((await moda('export', 'chat', '-O', 'folder')).code).toBe(0);
  expect(await answers('folder', '-p', 'cd')).toBe('dab\n');
  expect((await moda('export', 'chat', '-O', 'chat.gguf')).code).toBe(0);
  expect(await answers('chat.gguf', '-p', 'cd')).toBe('dab\n');
  // The folder has its own template now: nothing has to be named.
  const again = await moda(
    'train',
    'chat.jsonl',
    '--from',
    'folder',
    '--lora',
    'rank=2',
    ...DEVICE,
    ...SETTINGS,
    '-n',
    'more',
    '--steps',
    '2',
  );
  expect([again.code, again.stderr]).toEqual([0, '']);
  expect((await moda('train', '--resume', 'more', '--steps', '3')).code).toBe(0);
});

it('prompts and completions need no template; what is too long is said', { timeout: 200_000 }, async () => {
  const rows = Array.from({ length: 12 }, (_, i) => ({ prompt: 'ab', completion: i === 5 ? 'abcde'.repeat(9) : 'cd' }));
  await writeFile(join(cwd, 'pairs.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
  const { code, stdout } = await train(
    'pairs.jsonl',
    '-s',
    'data.heldOut=0',
    '-s',
    'samples.prompts=[]', // nothing to draw attention maps of, either
    '-s',
    'training.batchSize=1',
    '-n',
    'pairs',
    '--steps',
    '2',
  );
  expect(code).toBe(0);
  expect(stdout).toContain('pairs.jsonl: of conversations longer than 24 tokens 1 lose their end and 0');
});

it.each<[string, readonly unknown[], readonly string[], string]>([
  [
    'messages without a template',
    [talk('a', 'b')],
    [],
    'bad.jsonl (line 1): "messages" must have a chat template, the model has none',
  ],
  [
    'a row of another kind',
    [talk('a', 'b'), { text: 'x' }],
    ['-s', 'data.chatTemplate=chat.jinja'],
    'bad.jsonl (line 2): must have "messages"',
  ],
  [
    'a role that is no text',
    [talk('a', 'b'), { messages: [{ role: 3 }] }],
    ['-s', 'data.chatTemplate=chat.jinja'],
    'bad.jsonl (line 2): "messages[0].role" must be text, got 3',
  ],
  [
    'no answer',
    [{ messages: [{ role: 'user', content: 'x' }] }],
    ['-s', 'data.chatTemplate=chat.jinja'],
    'bad.jsonl (line 1): messages must hold an answer',
  ],
  [
    'what the template refuses',
    [{ messages: [{ role: 'system', content: 'x' }, ...talk('a', 'b').messages] }],
    ['-s', 'data.chatTemplate=chat.jinja'],
    'bad.jsonl (line 1): chat.jinja must render the messages, it fails: No system message. Change',
  ],
  [
    'a template that is not there',
    [talk('a', 'b')],
    ['-s', 'data.chatTemplate=no.jinja'],
    'no.jinja must be a readable .jinja file, got ENOENT',
  ],
  [
    'a template that is none',
    [talk('a', 'b')],
    ['-s', 'data.chatTemplate=bad.jinja'],
    'bad.jinja must be a Jinja template',
  ],
])('refuses %s in one line', { timeout: 60_000 }, async (_, rows, args, message) => {
  await writeFile(join(cwd, 'bad.jinja'), '{% for m in %}');
  await writeFile(join(cwd, 'bad.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
  const { code, stderr } = await train('bad.jsonl', '-n', 'bad', ...args);
  expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(
    await readdir(join(cwd, 'runs')).then(
      (names) => names.includes('bad'),
      () => false,
    ),
  ).toBe(false);
});

it('refuses a line that is no JSON, and --chat without a template', { timeout: 60_000 }, async () => {
  await writeFile(join(cwd, 'cut.jsonl'), `${JSON.stringify(talk('a', 'b'))}\n{"messages": [`);
  const cut = await train('cut.jsonl', '-n', 'bad', '-s', 'data.chatTemplate=chat.jinja');
  expect([cut.code, cut.stderr]).toEqual([
    2,
    expect.stringContaining('cut.jsonl (line 2) must be one JSON object a line'),
  ]);
  const chat = await moda('generate', 'small', '--chat', '-p', 'x', ...DEVICE);
  expect([chat.code, chat.stderr]).toEqual([2, expect.stringContaining('small must have a chat template')]);
});
