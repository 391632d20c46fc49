import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { saveModelFolder } from '@modajs/models/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from './run-cli.ts';
import { writeSmallLlama } from './small-llama.ts';

let cwd = '';
const moda = (...args: string[]) => runCli(args, { cwd });

const settings = {
  'training.batchSize': 2,
  'training.seqLen': 19,
  'schedule.kind': 'constant',
  'schedule.warmupSteps': 1,
  'checkpoint.every': 2,
  'evaluation.every': 100,
  'samples.maxNewTokens': 3,
  'logging.peakFlops': 1e9,
  'optimizer.lr': 1e-2,
};
const train = (...args: string[]) =>
  moda(
    ...[
      'train',
      '-d',
      'cpu',
      '--threads',
      '1',
      ...Object.entries(settings).flatMap(([key, x]) => ['-s', `${key}=${x}`]),
    ],
    ...args,
  );

const lossesOf = async (run: string): Promise<number[]> =>
  (await readFile(join(cwd, 'runs', run, 'metrics.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).loss);

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'moda-from-'));
  const { files, gguf } = await writeSmallLlama(cwd, 'small', 3);
  await writeFile(join(cwd, 'cut.gguf'), gguf.subarray(0, gguf.length - 100));
  const weights = files.get('model.safetensors')!;
  const broken = new Map(files).set('model.safetensors', weights.subarray(0, weights.length - 8));
  await saveModelFolder(join(cwd, 'broken'), broken);
  const rows = Array.from({ length: 12 }, (_, i) => JSON.stringify({ text: `a cab, ${'a bead '.repeat(3 + i)}face` }));
  await writeFile(join(cwd, 'text.jsonl'), rows.join('\n'));
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

describe('moda train --from [cpu]', () => {
  it('starts with the loss of the model, whichever file it is in, and with depth attention given to it', {
    timeout: 240_000,
  }, async () => {
    for (const [name, ...args] of [
      ['folder', 'small'],
      ['gguf', 'small.gguf'],
      ['moda', 'small', '-s', 'model.depth=moda'],
      ['mudd', 'small', '-s', 'model.depth=mudd'],
    ]) {
      const { code, stderr } = await train('text.jsonl', '-n', name, '--steps', '3', '--from', ...args);
      expect([name, code, stderr]).toEqual([name, 0, '']);
    }
    const [folder, gguf, given, mudd] = await Promise.all(['folder', 'gguf', 'moda', 'mudd'].map(lossesOf));
    expect(gguf).toEqual(folder);
    expect(given[0]).toBe(folder[0]);
    expect(Math.abs(mudd[0] - folder[0])).toBeLessThan(1e-4);
    expect(given[2]).not.toBe(folder[2]);
    const { model, origin, run } = JSON.parse(await readFile(join(cwd, 'runs/moda/config.json'), 'utf8'));
    expect(model).toMatchObject({ depth: { kind: 'moda', gate: true, ffnProjection: true }, seqLen: 64 });
    expect(origin).toMatchObject({ name: 'small', special: { end: [2], begin: 1 } });
    expect(run).toMatchObject({ from: 'small', training: { seqLen: 19 } });
    const other = JSON.parse(await readFile(join(cwd, 'runs/gguf/config.json'), 'utf8'));
    expect(other.origin.sha256).toBe(origin.sha256);
  });

  it('resumes bit for bit, and is read by info, generate and --from', { timeout: 240_000 }, async () => {
    const given = ['text.jsonl', '--from', 'small', '-s', 'model.depth=moda'];
    expect((await train(...given, '-n', 'whole', '--steps', '4')).code).toBe(0);
    expect((await train(...given, '-n', 'parts', '--steps', '2')).code).toBe(0);
    // The model it started from is not needed any more.
    await rename(join(cwd, 'small'), join(cwd, 'away'));
    const resumed = await moda('train', '--resume', 'parts', '--steps', '4');
    await rename(join(cwd, 'away'), join(cwd, 'small'));
    expect([resumed.code, resumed.stderr]).toEqual([0, '']);
    expect(await lossesOf('parts')).toEqual(await lossesOf('whole'));
    expect((await moda('info', 'parts')).stdout).toMatch(/started from +small/);
    const text = await moda('generate', 'parts', '-d', 'cpu', '-p', 'a bead', '-t', '0', '--max-new-tokens', '5');
    expect([text.code, text.stdout.startsWith('a bead')]).toEqual([0, true]);
    expect((await train('text.jsonl', '--from', 'parts', '-n', 'next', '--steps', '1')).code).toBe(0);
    expect((await lossesOf('next'))[0]).toBeLessThan((await lossesOf('whole'))[0]);
  });

  it.each([
    ['no model of that name', ['--from', 'none'], 'none must be a run or its folder'],
    ['a truncated GGUF file', ['--from', 'cut.gguf'], 'cut.gguf: '],
    ['truncated weights', ['--from', 'broken'], 'broken: safetensors: '],
    ['a preset', ['--from', 'small', '-p', 'tiny'], 'got tiny beside from=small'],
    [
      'another tokenizer',
      ['--from', 'small', '-s', 'tokenizer.path=small/tokenizer.json'],
      'tokenizer.path must be left out',
    ],
    ['another width', ['--from', 'small', '-s', 'model.dModel=16'], 'model.embed_tokens.weight [265,32], got [265,16]'],
    ['more blocks', ['--from', 'small', '-s', 'model.nLayers=4'], 'got model.layers.3.self_attn.q_proj.weight'],
    ['a zoo model', ['--from', 'small', '-s', 'model.preset=tiny'], 'model.preset must be left out'],
    ['depth that starts elsewhere', ['--from', 'small', '-s', 'model.depth=value-residual'], 'Use moda, dense'],
  ])('refuses %s in one line and writes nothing', async (_, args, message) => {
    const before = await readdir(join(cwd, 'runs')).catch(() => []);
    const { code, stderr } = await train('text.jsonl', '-n', 'refused', ...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(await readdir(join(cwd, 'runs')).catch(() => [])).toEqual(before);
  });
});
