/**
 * Trains a model of the zoo with the same data and seed in f32, in f32 with other rounding (the batch in two parts: how far
 * equal runs drift apart by themselves), in f16 with loss scaling, and in f16 from the largest loss scale with a growth
 * interval of a few steps, so that gradients overflow at the start and again and again. Exit code 1 when f16 leaves f32 by
 * more than 1 % or an overflow is not recovered from.
 *
 * pnpm --filter @modajs/train bench:f16 [--device webgpu] [--model nano] [--steps 500] [--batch 16] [--lr 3e-3]
 *   [--tokens uint16.bin] [--json file]
 */
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { createDecoder, defineDecoderConfig, preset } from '@modajs/models';
import { type Device, type DeviceName, init } from '@modajs/tensor';
import type { RawConfig } from '../src/config/resolve-config.ts';
import { type RunConfig, resolveRunConfig } from '../src/config/run-config.ts';
import { tokensInMemory } from '../src/data/token-source.ts';
import { type MetricsRow, readMetrics } from '../src/metrics/metrics-log.ts';
import { TrainingRun } from '../src/run/training-run.ts';
import { MemoryStorage } from '../src/storage/memory-storage.ts';
import { markovTokens } from './markov-tokens.ts';

const { values } = parseArgs({
  options: {
    device: { type: 'string', default: 'webgpu' },
    model: { type: 'string', default: 'nano' },
    steps: { type: 'string', default: '500' },
    batch: { type: 'string', default: '16' },
    seqLen: { type: 'string' },
    lr: { type: 'string', default: '3e-3' },
    tokens: { type: 'string' },
    json: { type: 'string' },
  },
});
const steps = Number(values.steps);
/** Losses are compared as means over so many steps, and one by one. */
const WINDOW = Math.min(25, steps);
const LIMIT = 0.01;

async function train(device: Device, name: string, settings: RawConfig): Promise<MetricsRow[]> {
  const zoo = preset(values.model);
  const config: RunConfig = resolveRunConfig({
    optimizer: { lr: Number(values.lr) },
    schedule: { warmupSteps: Math.min(100, Math.floor(steps / 5)) },
    evaluation: { every: 1_000_000 },
    checkpoint: { every: 1_000_000 },
    ...settings,
    training: { steps, batchSize: Number(values.batch), ...(settings['training'] as object) },
  });
  const T = Number(values.seqLen ?? zoo.seqLen);
  const model = createDecoder(defineDecoderConfig({ ...zoo, seqLen: T }), {
    device,
    seed: 1,
    computeDtype: config.training.dtype,
  });
  const storage = new MemoryStorage();
  const startedAt = performance.now();
  const run = new TrainingRun({
    config,
    model,
    T,
    sources: [{ source: tokensInMemory('tokens', await trainingTokens(zoo.vocabSize)), weight: 1 }],
    heldOut: [],
    separator: null,
    storage,
    identity: {},
    writtenBy: {},
    resumeFrom: null,
    listener: (event) => {
      if (event.kind !== 'step' || event.row.step % Math.ceil(steps / 10) !== 0) return;
      const { step, loss, lossScale, skippedSteps } = event.row;
      console.log(`${name}  step ${step}/${steps}  loss ${loss?.toFixed(4)}`, { lossScale, skippedSteps });
    },
  });
  await run.run();
  run.dispose();
  model.dispose();
  console.log(`${name}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`);
  return readMetrics(storage);
}

/** Of the file, cut to the vocabulary of the model; made up without one. */
async function trainingTokens(vocabSize: number): Promise<ArrayLike<number>> {
  if (values.tokens === undefined) return markovTokens(2 ** 21, vocabSize, 7);
  const bytes = await readFile(values.tokens);
  const tokens = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
  return tokens.map((token) => token % vocabSize);
}

const mean = (rows: readonly MetricsRow[]): number => rows.reduce((sum, { loss }) => sum + loss!, 0) / rows.length;

/** Largest relative difference of two loss curves, over single steps and over means of windows. */
function compare(expected: readonly MetricsRow[], actual: readonly MetricsRow[]) {
  let bySteps = 0;
  let byWindows = 0;
  for (let i = 0; i < expected.length; i++) {
    bySteps = Math.max(bySteps, Math.abs(actual[i].loss! / expected[i].loss! - 1));
    if (i + WINDOW > expected.length) continue;
    const ratio = mean(actual.slice(i, i + WINDOW)) / mean(expected.slice(i, i + WINDOW));
    byWindows = Math.max(byWindows, Math.abs(ratio - 1));
  }
  return { bySteps, byWindows };
}

const device = await init({ device: values.device as DeviceName });
console.log(`${values.model} on ${device}, ${values.batch} sequences a step, ${steps} steps\n`);
const f32 = await train(device, 'f32', {});
const control = await train(device, 'f32, other rounding', { training: { gradientAccumulation: 2 } });
const f16 = await train(device, 'f16', { training: { dtype: 'f16' } });
const overflowing = await train(device, 'f16, overflowing', {
  training: { dtype: 'f16' },
  lossScale: { initial: 2 ** 24, growthInterval: 10 },
});
const follows = compare(f32, f16);
const drift = compare(f32, control);
const lastWindow = (rows: readonly MetricsRow[]): number => mean(rows.slice(-WINDOW));
const skipped = Number(overflowing.at(-1)!['skippedSteps']);
const recovered = lastWindow(overflowing) / lastWindow(f32) - 1;
const allFinite = [...f16, ...overflowing].every(({ loss }) => Number.isFinite(loss));
const result = {
  device: device.toString(),
  model: values.model,
  steps,
  batchSize: Number(values.batch),
  firstLoss: f32[0].loss,
  lastLossF32: lastWindow(f32),
  lastLossF16: lastWindow(f16),
  largestDifferenceOfAStep: follows.bySteps,
  largestDifferenceOfMeans: follows.byWindows,
  controlDifferenceOfAStep: drift.bySteps,
  controlDifferenceOfMeans: drift.byWindows,
  overflow: { skippedSteps: skipped, lastLoss: lastWindow(overflowing), againstF32: recovered },
};
console.log(JSON.stringify(result, null, 2));
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(result, null, 2)}\n`);
const holds = {
  'the loss falls': lastWindow(f32) < f32[0].loss! * 0.95,
  [`f16 follows f32 within ${100 * LIMIT} % (means over ${WINDOW} steps)`]: follows.byWindows < LIMIT,
  'overflows were forced': skipped > 0,
  'every loss is finite': allFinite,
  // Skipped steps are steps not learnt from: the curve lags by as many, which a few hundred steps make up for.
  'overflows are recovered from': Math.abs(recovered) < 0.05,
};
for (const [claim, isTrue] of Object.entries(holds)) console.log(`${isTrue ? 'holds' : 'FAILS'}: ${claim}`);
process.exitCode = Object.values(holds).every(Boolean) ? 0 : 1;
device.destroy();
