import { createDecoder, type Decoder } from '@modajs/models';
import type { Device } from '@modajs/tensor';
import type { RawConfig } from '../src/config/resolve-config.ts';
import { resolveRunConfig } from '../src/config/run-config.ts';
import { tokensInMemory } from '../src/data/token-source.ts';
import { type MetricsRow, readMetrics } from '../src/metrics/metrics-log.ts';
import type { RunInputs } from '../src/run/run-inputs.ts';
import { TrainingRun } from '../src/run/training-run.ts';
import { MemoryStorage } from '../src/storage/memory-storage.ts';
import { patternedTokens } from './bigram-model.ts';
import { smallDecoderConfig } from './small-decoder-config.ts';

const V = 31;

/** What a test may change about `smallDecoderRun`. */
export interface SmallDecoderOptions
  extends Partial<Pick<RunInputs, 'listener' | 'heldOut' | 'flopsPerToken' | 'peakFlops'>> {
  readonly settings?: RawConfig;
  readonly T?: number;
  /** As of `RunInputs`, for the run's model. */
  readonly inspect?: (model: Decoder, step: number) => Promise<Record<string, number>>;
}

/** Trains a two-block MoDA model on patterned tokens in memory; returns the rows of its metrics. */
export async function smallDecoderRun(
  device: Device,
  training: RawConfig,
  options: SmallDecoderOptions = {},
): Promise<MetricsRow[]> {
  const T = options.T ?? 13;
  const config = resolveRunConfig({
    training: { batchSize: 3, ...training },
    optimizer: { lr: 0.01 },
    schedule: { warmupSteps: 5 },
    checkpoint: { every: 1_000_000 },
    ...options.settings,
  });
  const model = createDecoder(smallDecoderConfig(V, T), { device, seed: 1, computeDtype: config.training.dtype });
  const storage = new MemoryStorage();
  const run = new TrainingRun({
    config,
    model,
    T,
    sources: [{ source: tokensInMemory('pattern', patternedTokens(2003, V, 5)), weight: 1 }],
    heldOut: options.heldOut ?? [],
    separator: null,
    storage,
    identity: {},
    writtenBy: {},
    resumeFrom: null,
    listener: options.listener,
    inspect: async (step) => options.inspect?.(model, step) ?? {},
    flopsPerToken: options.flopsPerToken,
    peakFlops: options.peakFlops,
  });
  try {
    await run.run();
    return await readMetrics(storage);
  } finally {
    run.dispose();
    model.dispose();
  }
}
