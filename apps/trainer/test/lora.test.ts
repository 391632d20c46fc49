import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openGguf } from '@modajs/models';
import { openFileSource } from '@modajs/models/node';
import { readSafetensors } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportModel } from '../src/export/export-model.ts';
import { runCli } from './run-cli.ts';
import { writeSmallLlama } from './small-llama.ts';

let cwd = '';
const moda = (...args: string[]) => runCli(args, { cwd });
const SETTINGS = [
  ...['training.batchSize=2', 'training.seqLen=19', 'schedule.kind=constant', 'schedule.warmupSteps=1'],
  ...['checkpoint.every=2', 'evaluation.every=100', 'samples.maxNewTokens=3', 'logging.peakFlops=1e9'],
  ...['optimizer.lr=3e-2'],
].flatMap((setting) => ['-s', setting]);
const train = (...args: string[]) => moda('train', 'text.jsonl', '-d', 'cpu', '--threads', '1', ...SETTINGS, ...args);
const textOf = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await moda(
    ...['generate', ...args, '-d', 'cpu', '--threads', '1', '-p', 'a bead', '-t', '0', '--max-new-tokens', '9'],
  );
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
};
const rowsOf = async (run: string): Promise<{ loss: number }[]> =>
  (await readFile(join(cwd, 'runs', run, 'metrics.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'moda-lora-'));
  await writeSmallLlama(cwd, 'small', 3);
  await writeSmallLlama(cwd, 'other', 4);
  const rows = Array.from({ length: 12 }, (_, i) => JSON.stringify({ text: `a cab, ${'a bead '.repeat(3 + i)}face` }));
  await writeFile(join(cwd, 'text.jsonl'), rows.join('\n'));
  const { code, stderr } = await train(
    '--from',
    'small',
    '--lora',
    'rank=2,alpha=4,targets=q_proj,v_proj',
    '-n',
    'tuned',
    '--steps',
    '6',
  );
  expect([code, stderr]).toEqual([0, '']);
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

describe('moda train --lora [cpu]', () => {
  it('saves and updates the adapter alone, and resumes bit for bit', { timeout: 240_000 }, async () => {
    const folder = join(cwd, 'runs/tuned/checkpoints/step-00000006');
    const { tensors } = readSafetensors(await readFile(join(folder, 'model.safetensors')));
    expect([...tensors.keys()].every((name) => /\.(q|v)_proj\.lora_[AB]\.weight$/.test(name))).toBe(true);
    const { tensors: moments } = readSafetensors(await readFile(join(folder, 'optimizer.safetensors')));
    expect(moments.size).toBe(2 * tensors.size);
    expect(
      (await train('--from', 'small', '--lora', 'rank=2,alpha=4,targets=q_proj,v_proj', '-n', 'parts', '--steps', '4'))
        .code,
    ).toBe(0);
    expect((await moda('train', '--resume', 'parts', '--steps', '6')).code).toBe(0);
    const [whole, parts] = [await rowsOf('tuned'), await rowsOf('parts')];
    expect(parts.map(({ loss }) => loss)).toEqual(whole.map(({ loss }) => loss));
    expect(whole[5].loss).toBeLessThan(whole[0].loss);
  });

  it('gives one text unmerged, as an adapter, merged, and from PEFT files', { timeout: 300_000 }, async () => {
    const own = await textOf('tuned');
    expect(own).not.toBe(await textOf('small'));
    expect(await textOf('small', '--adapter', 'tuned')).toBe(own);
    expect((await moda('export', 'tuned', '--merge', '-O', 'merged')).stdout).toContain('read back and compared');
    expect(await textOf('merged')).toBe(own);
    expect((await moda('export', 'tuned', '-f', 'peft', '-O', 'adapter')).code).toBe(0);
    expect(await textOf('adapter')).toBe(own);
    expect(await textOf('small', '--adapter', 'adapter')).toBe(own);
  });

  it.each([
    [
      'an adapter of another model',
      ['generate', 'other', '--adapter', 'tuned', '-p', 'a', '-d', 'cpu'],
      'tuned must be used on the model it was trained on, small',
    ],
    [
      'an adapter that is none',
      ['generate', 'small', '--adapter', 'other', '-p', 'a', '-d', 'cpu'],
      'other must be a folder with adapter_config.json',
    ],
    [
      'a broken adapter',
      ['generate', 'small', '--adapter', 'bad', '-p', 'a', '-d', 'cpu'],
      'bad: adapter: adapter_config.json must be JSON',
    ],
    [
      'an adapter without a file',
      ['generate', 'half', '-p', 'a', '-d', 'cpu'],
      'half: adapter: adapter_model.safetensors must be there',
    ],
    ['an adapter to export whole', ['export', 'tuned', '-O', 'whole'], 'Use --merge, or --format peft'],
    [
      'a map that there is not',
      ['train', 'text.jsonl', '--from', 'small', '--lora', 'targets=q_prj', '-d', 'cpu'],
      'Did you mean q_proj?',
    ],
    [
      'depth beside an adapter',
      ['train', 'text.jsonl', '--from', 'small', '--lora', 'rank=2', '-s', 'model.depth=moda', '-d', 'cpu'],
      'got model.depth=moda',
    ],
    ['no model', ['train', 'text.jsonl', '--lora', 'rank=2', '-d', 'cpu'], 'lora needs a model to adapt'],
    [
      'settings without keys',
      ['train', 'text.jsonl', '--from', 'small', '--lora', 'nonsense'],
      '--lora must be like rank=16',
    ],
  ])('refuses %s in one line', async (_, args, message) => {
    await mkdir(join(cwd, 'bad'), { recursive: true });
    await writeFile(join(cwd, 'bad/adapter_config.json'), '{');
    await mkdir(join(cwd, 'half'), { recursive: true });
    await writeFile(
      join(cwd, 'half/adapter_config.json'),
      '{"base_model_name_or_path":"small","peft_type":"LORA","bias":"none","r":2,"lora_alpha":2}',
    );
    const before = await readdir(cwd);
    const { code, stderr } = await moda(...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(await readdir(cwd)).toEqual(before);
  });
});

describe('moda export [cpu]', () => {
  it('writes GGUF and folders that read back, and says the same', { timeout: 240_000 }, async () => {
    const text = await textOf('small');
    for (const args of [
      ['-O', 'f32.gguf'],
      ['-O', 'q4.gguf', '--dtype', 'q4_0'],
      ['-O', 'copy'],
      ['-O', 'half.safetensors', '--dtype', 'f16'],
    ]) {
      expect([args, (await moda('export', 'small', ...args)).code]).toEqual([args, 0]);
    }
    expect(await textOf('f32.gguf')).toBe(text);
    expect(await textOf('copy')).toBe(text);
    expect((await readdir(join(cwd, 'copy'))).sort()).toEqual(
      [
        'README.md',
        'config.json',
        'generation_config.json',
        'model.safetensors',
        'tokenizer.json',
        'tokenizer_config.json',
      ].sort(),
    );
    expect(JSON.parse(await readFile(join(cwd, 'copy/generation_config.json'), 'utf8'))).toMatchObject({
      bos_token_id: 1,
      eos_token_id: 2,
    });
    const out = join(cwd, 'runs');
    await exportModel(join(cwd, 'q4.gguf'), { output: join(cwd, 'q8.gguf'), dtype: 'q8_0', out });
    for (const [name, type] of [
      ['q8.gguf', 'Q8_0'],
      ['q4.gguf', 'Q4_0'],
    ]) {
      const file = await openFileSource(join(cwd, name));
      const { storage } = await openGguf(file);
      expect([...storage.keys()].sort()).toEqual(['F32', type].sort());
      await file.close();
    }
  });

  it.each([
    ['a place that is taken', ['export', 'small', '-O', 'small'], 'small must not be there yet'],
    ['q4_0 of a folder', ['export', 'small', '-O', 'x', '--dtype', 'q4_0'], 'dtype q4_0 needs --format gguf'],
    ['a model without an adapter as one', ['export', 'small', '-O', 'x', '-f', 'peft'], 'small must have an adapter'],
    ['a model that is not there', ['export', 'none', '-O', 'x'], 'none must be a run'],
  ])('refuses %s in one line and writes nothing', async (_, args, message) => {
    const before = await readdir(cwd);
    const { code, stderr } = await moda(...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    expect(await readdir(cwd)).toEqual(before);
  });
});
