/**
 * How much longer a training step of MoDA takes than its baseline's, on the device at hand: both models in one process, in turns,
 * rounds of steps of which the next is launched while one runs, as `moda train` does; a step's time is that from one step's end to
 * the next one's, the figure the median over all steps of all rounds (a shared host stalls single steps). `--profile` also times
 * every kernel of one step of each and lists MoDA less baseline (kernels alone, each in a pass of its own: gaps do not show). A
 * model without depth (`distilgpt2-shape`) has times of its own instead of a ratio: of steps in flight, and of steps each awaited.
 *
 * pnpm --filter @modajs/train bench:step [--models small,moda-700m] [--rounds 7] [--steps 10] [--batch 8] [--as browser]
 *   [--depth '{"kind":"denseformer"}'] [--profile] [--json file]
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { createDecoder, type Decoder, type DecoderConfig, type DepthInput } from '@modajs/models';
import type { Optimizer } from '@modajs/tensor';
import { type Device, type DeviceName, init, type KernelTime, kernelSpans, kernelTimes } from '@modajs/tensor';
import { resolveRunConfig } from '../src/config/run-config.ts';
import type { HostBatch } from '../src/data/batch.ts';
import { createOptimizer } from '../src/optim/create-optimizer.ts';
import { forgetReplays } from '../src/run/replayed-gradients.ts';
import { trainingStep } from '../src/run/training-step.ts';
import { STEP_MODELS, stepModel } from './step-models.ts';

const { values } = parseArgs({
  options: {
    models: { type: 'string', default: STEP_MODELS.join(',') },
    rounds: { type: 'string', default: '7' },
    steps: { type: 'string', default: '10' },
    /** Sequences a step instead of the model's own. */
    batch: { type: 'string' },
    /** Blocks instead of the model's own, to try the program out. */
    blocks: { type: 'string' },
    device: { type: 'string', default: 'webgpu' },
    dtype: { type: 'string', default: 'f16' },
    /** A depth mechanism instead of the model's own, as JSON. */
    depth: { type: 'string' },
    /** `browser`: without tensor cores and with bounds checks, as browsers compute. */
    as: { type: 'string', default: 'node' },
    profile: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
/** How the device is opened beside its name. */
const opened = values.as === 'browser' ? { robustness: true, features: { subgroupMatrix: false } } : {};
const dtype = values.dtype === 'f32' ? 'f32' : 'f16';
const rounds = Number(values.rounds);
const stepsOfRound = Number(values.steps);
/** Recorded twice, captured once, replayed once. */
const WARM_UP_STEPS = 4;
/** A GPU that has idled raises its clocks within about this time. */
const WARM_UP_MS = 500;

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

/** Steps under way at a time, as in `TrainingRun`. */
const IN_FLIGHT = 2;

async function step({ name, decoder, optimizer }: Contender, batch: HostBatch) {
  const options = { gradientAccumulation: 1, activationCheckpointing: false, zLoss: 0, clipNorm: 1 };
  const controls = { lrRatio: 1e-3, lossScale: dtype === 'f16' ? 1024 : 1, lossLimit: Infinity };
  const numbers = await trainingStep(decoder, optimizer, batch, options, controls);
  if (!Number.isFinite(numbers.loss) || !Number.isFinite(numbers.gradientNorm)) {
    throw new Error(`step-ratio: loss and gradient must be finite, got ${JSON.stringify(numbers)} from ${name}.`);
  }
  return numbers;
}

/** Milliseconds from the end of a step to the end of the next for `count` steps, and what each launch took of the host. */
async function timesInFlight(own: Contender, batch: HostBatch, count: number) {
  const ends: number[] = [];
  const hostMs: number[] = [];
  const pending: Promise<unknown>[] = [];
  for (let launched = 0; launched <= count; launched++) {
    if (launched >= IN_FLIGHT) await pending[launched - IN_FLIGHT];
    const startedAt = performance.now();
    pending.push(step(own, batch).then(() => ends.push(performance.now())));
    hostMs.push(performance.now() - startedAt);
  }
  await Promise.all(pending);
  return { stepMs: ends.slice(1).map((end, index) => end - ends[index]), hostMs };
}

/** Milliseconds a step, each awaited before the next is launched: what a loop sees that reads its loss at every step. */
async function timesAwaited(own: Contender, batch: HostBatch, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let done = 0; done < count; done++) {
    const startedAt = performance.now();
    await step(own, batch);
    times.push(performance.now() - startedAt);
  }
  return times;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
}

async function withContenders<T>(
  name: string,
  profile: boolean,
  use: (contenders: readonly Contender[], batch: HostBatch, device: Device) => Promise<T>,
): Promise<T> {
  const model = stepModel(name, {
    ...(values.blocks === undefined ? {} : { nLayers: Number(values.blocks) }),
    ...(values.depth === undefined ? {} : { depth: JSON.parse(values.depth) as DepthInput }),
  });
  const { moda, baseline } = model;
  const B = values.batch === undefined ? model.B : Number(values.batch);
  const device = await init({ device: values.device as DeviceName, profile, ...opened });
  const contenders = [...(moda ? [contender('moda', moda, device)] : []), contender('baseline', baseline, device)];
  const batch = randomBatch(B, baseline);
  try {
    for (const own of contenders) {
      const { loss, gradientNorm } = await step(own, batch);
      await timesAwaited(own, batch, WARM_UP_STEPS);
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

/** Times of a contender, round by round. */
interface Times {
  readonly inFlight: number[][];
  readonly awaited: number[][];
  readonly host: number[];
}

async function measure(name: string) {
  return withContenders(name, false, async (contenders, batch, device) => {
    for (const until = performance.now() + WARM_UP_MS; performance.now() < until; ) {
      for (const own of contenders) await timesInFlight(own, batch, stepsOfRound);
    }
    const times = contenders.map((): Times => ({ inFlight: [], awaited: [], host: [] }));
    for (let round = 0; round < rounds; round++) {
      for (const [index, own] of contenders.entries()) {
        const { stepMs, hostMs } = await timesInFlight(own, batch, stepsOfRound);
        times[index].inFlight.push(stepMs);
        times[index].host.push(...hostMs);
        if (contenders.length === 1) times[index].awaited.push(await timesAwaited(own, batch, stepsOfRound));
      }
    }
    const result = { name, device: device.toString(), as: values.as, B: batch.B, T: batch.T, dtype };
    if (contenders.length === 1) return { ...result, ...plainTimes(result, times[0]) };
    const parameters = contenders.map(({ decoder }) => decoder.countParameters());
    const flops = contenders.map(({ decoder }) => 3 * decoder.countFlops(batch.T).total * batch.B);
    return { ...result, ...comparedTimes(result, times, { parameters, flops }) };
  });
}

interface Measured {
  readonly name: string;
  readonly device: string;
  readonly B: number;
  readonly T: number;
}

/** MoDA's times beside its baseline's. */
function comparedTimes(
  { name, device, B, T }: Measured,
  [moda, baseline]: readonly Times[],
  { parameters, flops }: Readonly<Record<'parameters' | 'flops', readonly number[]>>,
) {
  const [modaMs, baselineMs] = [moda, baseline].map(({ inFlight }) => median(inFlight.flat()));
  const ratios = moda.inFlight.map((steps, round) => median(steps) / median(baseline.inFlight[round]));
  const longer = (ratio: number) => `${((ratio - 1) * 100).toFixed(1)} %`;
  console.log(
    `${name} on ${device}, ${B} x ${T}: MoDA ${modaMs.toFixed(2)} ms, baseline ${baselineMs.toFixed(2)} ms, ` +
      `${longer(modaMs / baselineMs)} longer (rounds ${longer(Math.min(...ratios))} to ${longer(Math.max(...ratios))}); ` +
      `host ${median(moda.host).toFixed(2)} and ${median(baseline.host).toFixed(2)} ms; ` +
      `FLOPs ${longer(flops[0] / flops[1])}, parameters ${longer(parameters[0] / parameters[1])}`,
  );
  return { modaMs, baselineMs, ratios, moda, baseline };
}

/** Times of a model that is compared with nothing. */
function plainTimes({ name, device, B, T }: Measured, { inFlight, awaited }: Times) {
  const described = (times: readonly number[][]) => {
    const medians = times.map(median);
    return `${median(times.flat()).toFixed(2)} ms (rounds ${Math.min(...medians).toFixed(2)} to ${Math.max(...medians).toFixed(2)})`;
  };
  console.log(
    `${name} on ${device}, ${B} x ${T}: a step in flight ${described(inFlight)}, awaited ${described(awaited)}`,
  );
  return { timeMs: median(inFlight.flat()), awaitedMs: median(awaited.flat()), inFlight, awaited };
}

/** Every kernel of one step by label. */
async function profile(name: string) {
  return withContenders(name, true, async (contenders, batch, device) => {
    const kernels = new Map<Contender['name'], readonly KernelTime[]>();
    for (const own of contenders) {
      const before = (await kernelSpans(device)).length;
      await step(own, batch);
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
