import { type BenchRow, benchEnvironment, createBenchResult } from '@modajs/bench';
import { createDecoder, type Decoder, type DecoderConfig, defineDecoderConfig } from '@modajs/models';
import type { Device, Optimizer } from '@modajs/tensor';
import {
  createOptimizer,
  forgetReplays,
  type HostBatch,
  mergeConfigs,
  needsLossScale,
  parseSetOption,
  prepareModelConfig,
  type RunConfig,
  resolveRunConfig,
  sequenceLength,
  trainingStep,
  tunedModelConfig,
} from '@modajs/train';
import { openModelSource } from '../../model/open-model-source.ts';
import { bytes, compact } from '../../terminal/format.ts';
import { table } from '../../terminal/table.ts';
import { loadRawConfig, presetNames } from '../load-config.ts';
import { openDevice } from '../open-device.ts';
import { TUNING_LENGTH } from '../prepare-run.ts';
import { writeJson } from './bench-command.ts';
import { deviceAs } from './open-bench-device.ts';

/** Options of `moda bench step`. */
export interface BenchStepOptions {
  readonly preset: string;
  readonly set: readonly string[];
  readonly runs: number;
  readonly json?: string;
  readonly as: 'browser' | 'node';
  /** Where runs are kept. */
  readonly out: string;
}

/** One contender: a model with its optimiser, and what its steps took. */
interface Contender {
  readonly name: string;
  readonly decoder: Decoder;
  readonly optimizer: Optimizer;
  readonly timesMs: number[];
}

const BASELINE = 'depth: residual';

/** Rounds before measuring: pipelines compile, pools fill, steps are captured. */
const WARM_UP_ROUNDS = 1;

/** Steps of a round, launched without waiting for each other, as training does. */
const STEPS_OF_ROUND = 4;

/**
 * Times whole training steps of a preset's model and of the same model without depth (`depth: residual`), in turns, so that
 * both meet the same machine; random tokens, the preset's batch. Prints medians over rounds and writes them as JSON.
 */
export async function benchStep({ preset, set, runs, json, as, out }: BenchStepOptions): Promise<void> {
  const { config, model, baseline } = await benchModels(preset, set, out);
  const device = await openDevice(config, null, deviceAs({ as }));
  const contenders = [contender('as configured', model, config, device), contender(BASELINE, baseline, config, device)];
  try {
    const batch = randomBatch(config, contenders[0].decoder);
    for (let round = -WARM_UP_ROUNDS; round < runs; round++) {
      for (const { decoder, optimizer, timesMs } of contenders) {
        const timeMs = (await timeOfRound(decoder, optimizer, batch, config)) / STEPS_OF_ROUND;
        if (round >= 0) timesMs.push(timeMs);
      }
    }
    const results = contenders.map((entry) => resultOf(entry, batch));
    console.log(`${preset} on ${device}, ${batch.B} x ${batch.T} tokens a step, ${config.training.dtype}\n`);
    console.log(asTable(results));
    if (json !== undefined) {
      const environment = benchEnvironment(device, {
        robustness: as === 'browser' ? 'on' : 'off',
        as,
        runtime: `Node ${process.version}`,
      });
      const ceilings = { copyBytesPerSecond: null, flopsPerSecond: {} };
      const rows = results.map((result) => rowOf(result, preset, config.training.dtype, batch, results[1].medianMs));
      await writeJson(json, createBenchResult(environment, ceilings, rows));
    }
  } finally {
    for (const { decoder, optimizer } of contenders) {
      forgetReplays(decoder);
      optimizer.dispose();
      decoder.dispose();
    }
    device.destroy();
  }
}

interface BenchModels {
  readonly config: RunConfig;
  readonly model: DecoderConfig;
  /** The same without depth. */
  readonly baseline: DecoderConfig;
}

/** The models of a preset, or of a trained model's configuration: weights do not change what a step takes. */
async function benchModels(name: string, set: readonly string[], out: string): Promise<BenchModels> {
  if (presetNames.includes(name)) {
    const raw = await loadRawConfig({ preset: name, set });
    const config = resolveRunConfig(raw);
    const plain = resolveRunConfig({ ...raw, model: { ...config.model, depth: 'residual' } });
    const [model, baseline] = [config, plain].map((run) => prepareModelConfig(run, config.tokenizer.vocabSize));
    return { config, model, baseline };
  }
  const source = await openModelSource(name, { out });
  await source.close();
  const raw = mergeConfigs(...set.map((option) => parseSetOption(option)));
  const config = resolveRunConfig(raw);
  const model = tunedModelConfig(source.config, config);
  const baseline = defineDecoderConfig({ ...model, depth: 'residual' });
  const seqLen = config.training.seqLen ?? Math.min(TUNING_LENGTH, model.seqLen);
  return { config: { ...config, training: { ...config.training, seqLen } }, model, baseline };
}

function contender(name: string, model: DecoderConfig, config: RunConfig, device: Device): Contender {
  const decoder = createDecoder(model, { device, seed: config.seed, computeDtype: config.training.dtype });
  return { name, decoder, optimizer: createOptimizer(decoder.parameters(), config.optimizer), timesMs: [] };
}

function randomBatch({ training, seed }: RunConfig, { config }: Decoder): HostBatch {
  const B = training.batchSize;
  const T = sequenceLength({ training }, config);
  let state = seed;
  const tokens = Int32Array.from({ length: B * T + 1 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % config.vocabSize;
  });
  const next = { drawn: 0, bySource: [] };
  return { B, T, ids: tokens.slice(0, B * T), targets: tokens.slice(1), docRange: null, next };
}

/** From the first call to the last step's numbers on the host: all of the round's work on the device. */
async function timeOfRound(
  decoder: Decoder,
  optimizer: Optimizer,
  batch: HostBatch,
  config: RunConfig,
): Promise<number> {
  const options = { ...config.training, clipNorm: config.optimizer.clipNorm };
  const lossScale = needsLossScale(config.training.dtype) ? 1024 : 1;
  const startedAt = performance.now();
  const controls = { lrRatio: 1e-3, lossScale, lossLimit: Infinity };
  const steps = Array.from({ length: STEPS_OF_ROUND }, () =>
    trainingStep(decoder, optimizer, batch, options, controls),
  );
  await Promise.all(steps);
  return performance.now() - startedAt;
}

function resultOf({ name, decoder, timesMs }: Contender, { B, T }: HostBatch) {
  const sorted = timesMs.toSorted((a, b) => a - b);
  const medianMs = sorted[sorted.length >> 1];
  const flops = 3 * decoder.countFlops(T).total * B;
  return {
    name,
    flops,
    medianMs,
    bestMs: sorted[0],
    worstMs: sorted.at(-1)!,
    runs: sorted.length,
    parameters: decoder.countParameters(),
    tokensPerSecond: (B * T * 1000) / medianMs,
    flopsPerSecond: (flops * 1000) / medianMs,
    peakBytes: decoder.device.memory().peakLiveBytes,
  };
}

/** The figures as a row of a benchmark file; the model without depth is the other one's baseline. */
function rowOf(
  result: ReturnType<typeof resultOf>,
  preset: string,
  dtype: string,
  { B, T }: HostBatch,
  baselineMs: number,
): BenchRow {
  const { name, flops, medianMs, bestMs, worstMs, runs, parameters, tokensPerSecond, peakBytes } = result;
  const id = (model: string) => `step/${preset}/${B}x${T}/${model}`;
  return {
    id: id(name),
    preset: 'step',
    name: `${preset} ${B} x ${T} ${name}`,
    status: 'measured',
    library: 'modajs',
    implementation: 'training step',
    dtype,
    timedBy: 'wall',
    flops,
    bytes: 0,
    tflops: flops / medianMs / 1e9,
    total: { medianMs, minMs: bestMs, maxMs: worstMs, runs },
    floors: { arithmeticMs: null, bandwidthMs: null, arithmeticShare: null, bandwidthShare: null },
    ...(name === BASELINE ? {} : { baseline: id(BASELINE), extraTime: (medianMs - baselineMs) / medianMs }),
    errors: {},
    tolerance: 0,
    extra: { parameters, tokensPerSecond, peakBytes },
  };
}

function asTable(results: readonly ReturnType<typeof resultOf>[]): string {
  const baselineMs = results[1].medianMs;
  const rows = results.map((result) => [
    result.name,
    compact(result.parameters),
    result.medianMs.toFixed(1),
    result.bestMs.toFixed(1),
    compact(result.tokensPerSecond),
    compact(result.flopsPerSecond),
    `${((result.medianMs / baselineMs - 1) * 100).toFixed(1)} %`,
  ]);
  const header = ['model', 'parameters', 'median ms', 'best ms', 'tokens/s', 'FLOP/s', 'against residual'];
  return `${table(header, rows)}\n\npeak memory of both together ${bytes(results[0].peakBytes)}`;
}
