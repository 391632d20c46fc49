import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { init } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliResult, metricsOf, runCli, SMALL_CONFIG, SMALL_TEXT } from './run-cli.ts';

/** Everything a run can have, on a device with f16; slots of 256 B, so that kernels write in place. */
const CONFIG = `
${SMALL_CONFIG.replace(/^(model|training|optimizer|evaluation|samples|checkpoint|schedule|device|threads):.*$/gm, '')}
device: webgpu
model: { nLayers: 3, nHeads: 4, nKvHeads: 2, headDim: 16, dModel: 32, dFf: 48, seqLen: 16, depth: moda, ropeTheta: 10000 }
training: { steps: 6, batchSize: 4, gradientAccumulation: 2, dtype: f16, emaDecay: 0.9, zLoss: 1e-4 }
optimizer: { lr: 2e-4 }
lossScale: { initial: 256 }
schedule: { kind: constant, warmupSteps: 2 }
evaluation: { every: 2, maxTokens: 100, tasks: [copa], taskData: eval, taskLimit: 2 }
samples: { prompts: [the], maxNewTokens: 5, atEvaluations: true }
checkpoint: { every: 2 }
`;

let cwd = '';
let hasF16 = false;
beforeAll(async () => {
  const device = await init({ device: 'webgpu' });
  hasF16 = device.supportsF16;
  device.destroy();
  cwd = await mkdtemp(join(tmpdir(), 'moda-f16-'));
  await writeFile(join(cwd, 'f16.yaml'), CONFIG);
  await writeFile(join(cwd, 'text.txt'), SMALL_TEXT);
  await mkdir(join(cwd, 'eval'));
  const row = { premise: 'It swam.', question: 'effect', choice1: 'It sang.', choice2: 'It dived.', label: 1 };
  const rows = [0, 1].map((idx) => `${JSON.stringify({ ...row, idx })}\n`);
  await writeFile(join(cwd, 'eval', 'copa-validation.jsonl.gz'), gzipSync(rows.join('')));
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

const run = (...args: string[]): Promise<CliResult> => runCli(args, { cwd });
const train = (...args: string[]): Promise<CliResult> => run('train', '-c', 'f16.yaml', ...args);

async function expectDone(result: Promise<CliResult>): Promise<string> {
  const { code, stdout, stderr } = await result;
  expect([code, stderr]).toEqual([0, expect.not.stringMatching(/error/i)]);
  return stdout;
}

async function metrics(name: string): Promise<Record<string, number>[]> {
  return metricsOf(cwd, name);
}

const LOOKED_AT = ['heldOutLoss', 'sinkMass/0', 'depthMass/1', 'sinkMass/1', 'depthMass/2', 'sinkMass/2', 'task/copa'];

describe('moda train in f16 [webgpu]', () => {
  it('evaluates, samples, averages, saves and resumes as in f32; what it saved is evaluated and continued', async () => {
    if (!hasF16) {
      const { code, stderr } = await train('-n', 'refused');
      expect([code, stderr.match(/^error: .*f16.*$/gm)?.length]).toEqual([2, 1]);
      return;
    }
    await expectDone(train('-n', 'half'));
    await expectDone(train('-n', 'half', '--resume', '--steps', '8'));
    await expectDone(train('-n', 'whole', '--steps', '8'));
    await expectDone(train('-n', 'single', '--steps', '8', '-s', 'training.dtype=f32'));
    const [half, whole, single] = [await metrics('half'), await metrics('whole'), await metrics('single')];
    expect(half.map(({ step, loss }) => [step, loss])).toEqual(whole.map(({ step, loss }) => [step, loss]));
    expect(half.map(({ skippedSteps }) => skippedSteps)).toEqual(new Array(8).fill(0));
    for (const step of [2, 4, 6, 8]) {
      const [own, other] = [whole[step - 1], single[step - 1]];
      expect(Object.keys(own)).toEqual(expect.arrayContaining(LOOKED_AT));
      expect(Math.abs(own.loss / other.loss - 1)).toBeLessThan(0.01);
      expect(Math.abs(own.heldOutLoss / other.heldOutLoss - 1)).toBeLessThan(0.01);
      // At this rate f16 moves the shares by less than 1e-3; at tenfold the rate Adam's first steps carry it away from f32.
      for (const name of LOOKED_AT.filter((name) => name.includes('Mass')))
        expect(Math.abs(own[name] - other[name]), name).toBeLessThan(0.001);
    }
    for (const name of LOOKED_AT) expect(half[7][name], name).toBe(whole[7][name]);
    const samples = (await readFile(join(cwd, 'runs/half/samples.jsonl'), 'utf8')).trim().split('\n');
    expect(samples.map((line) => JSON.parse(line).step)).toEqual([2, 4, 6, 8]);
    expect(await readFile(join(cwd, 'runs/half/report.html'), 'utf8')).toContain('layer 2, head 2');
    await expectDone(run('generate', 'half', '-p', 'The', '-d', 'webgpu', '--max-new-tokens', '5', '--average'));
    await expectDone(run('generate', 'half', '-p', 'The', '-d', 'webgpu', '--max-new-tokens', '5', '-t', '0'));
    await expectDone(run('eval', 'perplexity', 'text.txt', '-m', 'half', '-d', 'webgpu', '--stride', '8'));
    expect(await expectDone(run('info', 'half'))).toMatch(/memory: average/);
    const tasks = ['-t', 'copa', '--data', 'eval', '--long-context', 'truncate', '--depth-statistics'];
    await expectDone(run('eval', '-m', 'half', '-d', 'webgpu', ...tasks));
  }, 400_000);

  it('a chunk-visible model evaluates and continues prompts too', async () => {
    if (!hasF16) return;
    const chunks = ['-s', 'model.depth=moda-chunk-visible', '-s', 'model.depthChunk=4'];
    await expectDone(train('-n', 'chunks', '--steps', '2', ...chunks));
    expect(Object.keys((await metrics('chunks'))[1])).toEqual(expect.arrayContaining(LOOKED_AT));
  }, 400_000);
});
