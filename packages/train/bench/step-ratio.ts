/**
 * How much longer a training step of MoDA takes than its baseline's, on the device at hand: both models in one process, rounds of
 * steps in flight in turns, medians over rounds. `--profile` also times every kernel of one step of each and lists MoDA less
 * baseline (kernels alone, each in a pass of its own: sums are shorter than steps, gaps do not show). A model without depth
 * (`distilgpt2-shape`) has a time of its own instead of a ratio.
 *
 * pnpm --filter @modajs/train bench:step [--models small,moda-700m] [--rounds 7] [--steps 10] [--profile] [--json file]
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { createDecoder, type Decoder, type DecoderConfig } from '@modajs/models';
import { type Device, type DeviceName, init, type KernelTime, kernelSpans, kernelTimes } from '@modajs/tensor';
import { resolveRunConfig } from '../src/config/run-config.ts';
import type { HostBatch } from '../src/data/batch.ts';
import { createOptimizer } from '../src/optim/create-optimizer.ts';
import type { Optimizer } from '../src/optim/optimizer.ts';
import { forgetReplays } from '../src/run/replayed-gradients.ts';
import { trainingStep } from '../src/run/training-step.ts';
import { STEP_MODELS, stepModel } from './step-models.ts';

const { values } = parseArgs({
  options: {
    models: { type: 'string', default: STEP_MODELS.join(',') },
    rounds: { type: 'string', default: '7' },
    steps: { type: 'string', default: '10' },
    /** Blocks instead of the model's own, to try the program out. */
    blocks: { type: 'string' },
    device: { type: 'string', default: 'webgpu' },
    dtype: { type: 'string', default: 'f16' },
    profile: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const dtype = values.dtype === 'f32' ? 'f32' : 'f16';
const rounds = Number(values.rounds);
const stepsOfRound = Number(values.steps);
/** Recorded twice, captured once, replayed once. */
const WARM_UP_STEPS = 4;

interface Contender {
  readonly name: 'moda' | 'baseline';
  readonly decoder: Decoder;
  readonly optimizer: Optimizer;
}

function contender(name: Contender['name'], config: DecoderConfig, device: Device): Contender {
  const decoder = createDecoder(config, { device, seed: 1, computeDtype: dtype });
  return { name, decoder, optimizer: createOptimizer(decoder.parameters(), resolveRunConfig({}).optimizer) };
}

function randomBatch(B: number, { seqLen: T, vocabSize }: DecoderConfig): HostBatch {
  let state = 1;
  const tokens = Int32Array.from({ length: B * T + 1 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % vocabSize;
  });
  return { B, T, ids: tokens.slice(0, -1), targets: tokens.slice(1), docRange: null, next: { drawn: 0, bySource: [] } };
}

/** Milliseconds a step, `count` of them launched without waiting for each other; and what the first of them found. */
async function timeOf({ name, decoder, optimizer }: Contender, batch: HostBatch, count: number) {
  const options = { gradientAccumulation: 1, activationCheckpointing: false, zLoss: 0, clipNorm: 1 };
  const controls = { lrRatio: 1e-3, lossScale: dtype === 'f16' ? 1024 : 1, lossLimit: Infinity };
  const startedAt = performance.now();
  const numbers = await Promise.all(
    Array.from({ length: count }, () => trainingStep(decoder, optimizer, batch, options, controls)),
  );
  const timeMs = (performance.now() - startedAt) / count;
  if (!numbers.every(({ loss, gradientNorm }) => Number.isFinite(loss) && Number.isFinite(gradientNorm))) {
    throw new Error(`step-ratio: losses and gradients must be finite, got ${JSON.stringify(numbers)} from ${name}.`);
  }
  return { timeMs, first: numbers[0] };
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
}

async function withContenders<T>(
  name: string,
  profile: boolean,
  use: (contenders: readonly Contender[], batch: HostBatch, device: Device) => Promise<T>,
): Promise<T> {
  const { moda, baseline, B } = stepModel(name, values.blocks === undefined ? undefined : Number(values.blocks));
  const device = await init({ device: values.device as DeviceName, profile });
  const contenders = [...(moda ? [contender('moda', moda, device)] : []), contender('baseline', baseline, device)];
  const batch = randomBatch(B, baseline);
  try {
    for (const own of contenders) {
      const { loss, gradientNorm } = (await timeOf(own, batch, WARM_UP_STEPS)).first;
      if (!profile)
        console.log(`${name} ${own.name}: first loss ${loss.toFixed(5)}, gradient norm ${gradientNorm.toFixed(5)}`);
    }
    return await use(contenders, batch, device);
  } finally {
    for (const { decoder, optimizer } of contenders) {
      forgetReplays(decoder);
      optimizer.dispose();
      decoder.dispose();
    }
    device.destroy();
  }
}

async function measure(name: string) {
  return withContenders(name, false, async (contenders, batch, device) => {
    const times = { moda: [] as number[], baseline: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      for (const own of contenders) times[own.name].push((await timeOf(own, batch, stepsOfRound)).timeMs);
    }
    if (contenders.length === 1) return plainTime(name, `${device}`, batch, times.baseline);
    const [modaMs, baselineMs] = [median(times.moda), median(times.baseline)];
    const ratios = times.moda.map((ms, round) => ms / times.baseline[round]);
    const parameters = contenders.map(({ decoder }) => decoder.countParameters());
    const flops = contenders.map(({ decoder }) => 3 * decoder.countFlops(batch.T).total * batch.B);
    const longer = (ratio: number) => `${((ratio - 1) * 100).toFixed(1)} %`;
    console.log(
      `${name} on ${device}, ${batch.B} x ${batch.T}: MoDA ${modaMs.toFixed(2)} ms, baseline ${baselineMs.toFixed(2)} ms, ` +
        `${longer(modaMs / baselineMs)} longer (rounds ${longer(Math.min(...ratios))} to ${longer(Math.max(...ratios))}; ` +
        `best rounds ${longer(Math.min(...times.moda) / Math.min(...times.baseline))}; ` +
        `FLOPs ${longer(flops[0] / flops[1])}, parameters ${longer(parameters[0] / parameters[1])})`,
    );
    return { name, device: device.toString(), B: batch.B, T: batch.T, dtype, modaMs, baselineMs, ratios, times };
  });
}

/** The result of a model that is compared with nothing. */
function plainTime(name: string, device: string, { B, T }: HostBatch, times: readonly number[]) {
  const timeMs = median(times);
  const rounded = (ms: number) => ms.toFixed(2);
  console.log(
    `${name} on ${device}, ${B} x ${T}: ${rounded(timeMs)} ms a step ` +
      `(rounds ${rounded(Math.min(...times))} to ${rounded(Math.max(...times))})`,
  );
  return { name, device, B, T, dtype, timeMs, times };
}

/** Every kernel of one step by label. */
async function profile(name: string) {
  return withContenders(name, true, async (contenders, batch, device) => {
    const kernels = new Map<Contender['name'], readonly KernelTime[]>();
    for (const own of contenders) {
      const before = (await kernelSpans(device)).length;
      await timeOf(own, batch, 1);
      kernels.set(own.name, kernelTimes((await kernelSpans(device)).slice(before)));
    }
    return printDifference(name, kernels.get('moda') ?? [], kernels.get('baseline')!);
  });
}

function printDifference(name: string, moda: readonly KernelTime[], baseline: readonly KernelTime[]) {
  const labels = [...new Set([...moda, ...baseline].map(({ label }) => label))];
  const of = (times: readonly KernelTime[], wanted: string) =>
    times.find(({ label }) => label === wanted) ?? { count: 0, totalMs: 0 };
  const rows = labels
    .map((label) => ({ label, moda: of(moda, label), baseline: of(baseline, label) }))
    .map((row) => ({ ...row, moreMs: row.moda.totalMs - row.baseline.totalMs }))
    .sort((a, b) => b.moreMs - a.moreMs);
  const sum = (times: readonly KernelTime[]) => times.reduce((total, { totalMs }) => total + totalMs, 0);
  console.log(`\n${name}: kernels of a step, ${sum(moda).toFixed(2)} ms against ${sum(baseline).toFixed(2)} ms`);
  console.log('   more ms  MoDA ms (count)  baseline ms (count)  kernel');
  for (const { label, moda: own, baseline: other, moreMs } of rows) {
    const cell = ({ count, totalMs }: { count: number; totalMs: number }) =>
      `${totalMs.toFixed(3)} (${count})`.padStart(16);
    console.log(`${moreMs.toFixed(3).padStart(10)} ${cell(own)} ${cell(other)}     ${label}`);
  }
  return rows;
}

const results = [];
for (const name of values.models.split(',')) {
  const result = await measure(name);
  results.push(values.profile ? { ...result, kernels: await profile(name) } : result);
}
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(results, null, 1)}\n`);
