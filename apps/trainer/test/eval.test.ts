import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDecoder, defineDecoderConfig, writeHuggingFace } from '@modajs/models';
import { saveModelFolder } from '@modajs/models/node';
import { init } from '@modajs/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli, SMALL_CONFIG, SMALL_TEXT } from './run-cli.ts';
import { runHere } from './run-here.ts';

let cwd: string;
const moda = (...args: string[]) => runCli(args, { cwd });
const results = async (file = 'results.json') => JSON.parse(await readFile(join(cwd, file), 'utf8'));

const ROWS = Array.from({ length: 30 }, (_, i) => ({
  id: `made-up-${i}`,
  question: `Which whale is number ${i}?`,
  choices: { text: ['the white one', 'old', 'sick', 'none of them'], label: ['A', 'B', 'C', 'D'] },
  answerKey: 'ABCD'[i % 4],
}));

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'moda-eval-cli-'));
  await writeFile(join(cwd, 'text.txt'), SMALL_TEXT);
  await writeFile(join(cwd, 'small.yaml'), SMALL_CONFIG);
  await writeFile(join(cwd, 'arc-easy-validation.jsonl'), ROWS.map((row) => JSON.stringify(row)).join('\n'));
  // Only its name and that it is there matter: nothing reads it without node-llama-cpp.
  await writeFile(join(cwd, 'some.gguf'), '');
  const trained = await moda('train', '--config', 'small.yaml');
  expect(trained.stderr + trained.stdout).toContain('step');
  expect(trained.code).toBe(0);
});
afterAll(() => rm(cwd, { recursive: true }));

const EVAL = [
  'eval',
  '--model',
  'small',
  '--tasks',
  'arc_easy',
  '--style',
  'olmo-in-loop',
  '--data',
  '.',
  '--device',
  'cpu',
  '--threads',
  '1',
  '--long-context',
  'truncate',
];

test('moda eval > scores a trained run and writes results, samples and a table [cpu]', async () => {
  const { code, stdout, stderr } = await moda(...EVAL, '--log-samples', '--depth-statistics');
  expect(stderr).toContain('[1/1] arc_easy: 124 of 124 requests');
  expect(code).toBe(0);
  // Four choices in every document.
  expect(stdout).toMatch(/arc_easy +acc .* 0\.2500$/m);
  const drawn = await readFile(join(cwd, 'results.html'), 'utf8');
  expect(drawn).toMatch(
    /arc_easy<\/th><td>[\d.]+ ± [\d.]+<\/td><td>0\.2500<\/td>.*class="chance" style="left:25\.00%".*<td>acc<\/td><td>30<\/td>/s,
  );
  const file = await results();
  expect(file.results.arc_easy['acc,none']).toBeGreaterThanOrEqual(0);
  expect(file['n-samples'].arc_easy).toEqual({ original: 30, effective: 30 });
  expect(file.depth_attention.depth_mass).toHaveLength(2);
  expect(file.model_hash).toMatch(/^[0-9a-f]{64}$/);
  const samples = (await readFile(join(cwd, 'results.json.samples/arc_easy.jsonl'), 'utf8')).trim().split('\n');
  expect(samples).toHaveLength(30);
});

test('moda eval > killed in the middle, the same command continues and gives the results of a whole run [cpu]', async () => {
  const whole = await moda(...EVAL, '-O', 'whole.json');
  expect(whole.code).toBe(0);
  const file = join(cwd, 'whole.json.requests.jsonl');
  const lines = await readFile(file, 'utf8');
  // What a kill leaves: some whole lines and a torn one.
  await writeFile(join(cwd, 'resumed.json.requests.jsonl'), lines.slice(0, Math.floor(lines.length / 2)));
  const resumed = await moda(...EVAL, '-O', 'resumed.json');
  expect(resumed.stderr).toMatch(/arc_easy: [1-9]\d* of 124 requests/);
  expect((await results('resumed.json')).results).toEqual((await results('whole.json')).results);
});

test('moda eval > a limit is printed and recorded as incomplete; compare says what differs [cpu]', async () => {
  const limited = await moda(...EVAL, '-O', 'limited.json', '--limit', '7');
  expect(limited.stdout).toContain('NOT A COMPLETE RUN');
  expect((await results('limited.json')).complete).toBe(false);
  await moda(...EVAL, '-O', 'full.json');
  const compared = await runHere(['eval', 'compare', 'full.json', 'limited.json'], { cwd });
  expect(compared.code).toBe(0);
  expect(compared.stdout).toContain('sample counts differ: 30 and 7');
});

test('moda eval > a dataset that is not there is named, the exit code is 3 and nothing passes as a result [cpu]', async () => {
  const { code, stdout } = await moda(...EVAL, '-O', 'missing.json', '--tasks', 'arc_easy,copa');
  expect(code).toBe(3);
  expect(stdout).toContain('copa-validation.jsonl');
  expect((await results('missing.json')).results.copa).toBeUndefined();
});

test('moda eval > with its defaults one document longer than the model is cut and said, the others keep their values [cpu]', async () => {
  const long = { ...ROWS[0], question: 'Which whale? '.repeat(40) };
  await mkdir(join(cwd, 'long'));
  await writeFile(
    join(cwd, 'long/arc-easy-validation.jsonl'),
    [long, ...ROWS].map((row) => JSON.stringify(row)).join('\n'),
  );
  const defaults = EVAL.slice(0, EVAL.indexOf('--long-context'));
  const { code } = await moda(...defaults, '--data', 'long', '-O', 'cut.json');
  expect(code).toBe(0);
  const file = await results('cut.json');
  expect(file['n-samples'].arc_easy.effective).toBe(31);
  expect(file.incomplete).toMatchObject([{ task: 'arc_easy', kind: 'truncated' }]);
  const strict = await moda(...defaults, '--data', 'long', '-O', 'strict.json', '--long-context', 'error');
  expect(strict.code).toBe(3);
  expect(strict.stdout).toContain('--long-context truncate');
});

test('moda eval > reports of another model or of more tasks are not replaced without --overwrite [cpu]', async () => {
  const untouched = async (name: string, content: string, args: string[], message: string) => {
    await writeFile(join(cwd, name), content);
    const { code, stderr } = await runHere([...args, '-O', name], { cwd });
    expect(stderr).toContain(message);
    expect(code).toBe(2);
    expect(await readFile(join(cwd, name), 'utf8')).toBe(content);
  };
  const perplexity = ['eval', 'perplexity', 'text.txt', '--model', 'small', '--device', 'cpu', '--threads', '1'];
  const decontaminate = ['eval', 'decontaminate', 'text.txt', '--tasks', 'arc_easy', '--data', '.'];
  const other = JSON.stringify({ model_hash: 'x', model_name: 'other', results: { arc_easy: {} } });
  await untouched('held.json', other, EVAL, 'results of another model (other)');
  await untouched('notes.json', 'my notes', EVAL, 'something that is no report');
  await untouched('held.json', other, perplexity, 'no report of moda eval perplexity');
  await untouched('held.json', other, decontaminate, 'no report of moda eval decontaminate');
  await moda(...EVAL, '-O', 'more.json');
  const more = await results('more.json');
  more.results.copa = { alias: 'copa' };
  await untouched('more.json', JSON.stringify(more), EVAL, 'results of copa, which this run does not repeat');
  expect((await moda(...EVAL, '-O', 'more.json', '--overwrite')).code).toBe(0);
  expect((await results('more.json')).results.copa).toBeUndefined();
});

test.each([
  ['without a model', ['eval', '--tasks', 'arc_easy'], '--model'],
  ['with an unknown task', [...EVAL, '--tasks', 'arc_hard'], '"arc_hard" must be a task or group'],
  ['with an unknown run', ['eval', '--model', 'nobody', '--tasks', 'arc_easy'], 'nobody must be a run'],
  ['with more shots than examples', [...EVAL, '--shots', '3'], 'shots must be an integer from 0 to the 0 examples'],
  [
    'on llama.cpp without node-llama-cpp',
    [...EVAL, '--model', 'some.gguf', '-d', 'llama.cpp'],
    'needs the package node-llama-cpp',
  ],
  ['on llama.cpp with a run', [...EVAL, '-d', 'llama.cpp'], 'device llama.cpp must have a .gguf model, got small'],
  ['comparing files that are no results', ['eval', 'compare', 'text.txt', 'text.txt'], 'must be JSON'],
])('moda eval %s > says what is wrong in one line [cpu]', async (_, args, message) => {
  const { code, stderr } = await runHere(args, { cwd });
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});

test('moda eval > scores a folder of Hugging Face files [cpu]', async () => {
  const device = await init({ device: 'cpu', threads: 1 });
  const config = defineDecoderConfig({
    nLayers: 2,
    nHeads: 3,
    nKvHeads: 1,
    dModel: 24,
    dFf: 40,
    vocabSize: 270,
    seqLen: 64,
    norm: 'reordered',
    qkNorm: 'full',
  });
  const decoder = createDecoder(config, { device, seed: 3 });
  const parameters = new Map<string, { shape: number[]; data: Float32Array }>();
  for (const [name, parameter] of Object.entries(decoder.parameters())) {
    parameters.set(name, { shape: [...parameter.shape], data: Float32Array.from(await parameter.data()) });
  }
  const files = new Map(await writeHuggingFace(config, parameters));
  files.set('tokenizer.json', await readFile(join(cwd, 'runs/small/tokenizer.json')));
  await saveModelFolder(join(cwd, 'olmo2-tiny'), files);
  device.destroy();
  const { code, stderr } = await moda(...EVAL, '--model', './olmo2-tiny', '-O', 'hf.json');
  expect(stderr).not.toContain('error');
  expect(code).toBe(0);
  expect(await results('hf.json')).toMatchObject({ model_name: 'olmo2-tiny', complete: true });
});

test('moda eval perplexity > text files by domain, windows and all [cpu]', async () => {
  const { code, stdout } = await moda(
    'eval',
    'perplexity',
    'text.txt',
    '--model',
    'small',
    '--device',
    'cpu',
    '--threads',
    '1',
    '--stride',
    '5',
    '-O',
    'ppl.json',
  );
  expect(code).toBe(0);
  expect(stdout).toMatch(/text +1 /);
  expect((await results('ppl.json')).domains[0].bytes).toBe(Buffer.byteLength(SMALL_TEXT));
});

test('moda eval perplexity > a shard of 32-bit ids is read as one, without being told [cpu]', async () => {
  const ids = Array.from({ length: 120 }, (_, i) => 40 + ((7 * i) % 200));
  await writeFile(join(cwd, 'narrow.bin'), new Uint8Array(Uint16Array.from(ids).buffer));
  await writeFile(join(cwd, 'wide.bin'), new Uint8Array(Uint32Array.from(ids).buffer));
  const cpu = ['--model', 'small', '--device', 'cpu', '--threads', '1'];
  const { code } = await moda('eval', 'perplexity', 'narrow.bin', 'wide.bin', ...cpu, '-O', 'widths.json');
  expect(code).toBe(0);
  const [narrow, wide] = (await results('widths.json')).domains;
  expect(narrow.tokens).toBe(120);
  expect(wide).toEqual({ ...narrow, domain: 'wide' });
  const torn = await moda('eval', 'perplexity', 'narrow.bin', ...cpu, '--dtype', 'uint32');
  expect(torn.code).toBe(2);
  expect(torn.stderr).toContain('ids must be below');
});

test('moda eval decontaminate > finds the one document that stands in the training text', async () => {
  await writeFile(
    join(cwd, 'leak.txt'),
    `Prologue. Question: ${ROWS[5].question}\nAnswer: ${ROWS[5].choices.text[1]} and more`,
  );
  const { code, stdout } = await moda(
    'eval',
    'decontaminate',
    'leak.txt',
    '--tasks',
    'arc_easy',
    '--style',
    'olmo-in-loop',
    '--data',
    '.',
    '-n',
    '7',
  );
  expect(code).toBe(0);
  expect(stdout).toMatch(/arc_easy +30 +1 /);
});
