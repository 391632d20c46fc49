import { createDecoder, type Decoder } from '@modajs/models';
import type { Device } from '@modajs/tensor';
import type { Checkpoint } from '../src/checkpoint/checkpoint.ts';
import { mergeConfigs, type RawConfig } from '../src/config/resolve-config.ts';
import { resolveRunConfig } from '../src/config/run-config.ts';
import { tokensInMemory } from '../src/data/token-source.ts';
import type { Collective } from '../src/distributed/collective.ts';
import { inProcessCollectives } from '../src/distributed/in-process-collective.ts';
import type { RunListener } from '../src/run/run-event.ts';
import type { RunSummary } from '../src/run/run-inputs.ts';
import type { TrainableModel } from '../src/run/trainable-model.ts';
import { TrainingRun } from '../src/run/training-run.ts';
import { MemoryStorage } from '../src/storage/memory-storage.ts';
import { patternedTokens } from './bigram-model.ts';
import { smallDecoderConfig } from './small-decoder-config.ts';

const V = 31;
/** Tokens of a sequence. */
export const T = 13;
/** What all of these runs train on. */
export const patternSource = tokensInMemory('pattern', patternedTokens(2003, V, 5));

/** How a test trains. */
export interface ParallelRunOptions {
  /** One device a rank, or one for all. */
  readonly devices: readonly Device[];
  readonly settings?: RawConfig;
  /** What a rank's settings have beside those of all. */
  readonly settingsOf?: (rank: number) => RawConfig;
  readonly storage?: MemoryStorage;
  readonly resumeFrom?: Checkpoint | null;
  /** By rank. */
  readonly signals?: readonly (AbortSignal | undefined)[];
  readonly listener?: RunListener;
  /** The ranks; in this process when absent. */
  readonly collectives?: readonly Collective[];
  /** Another model than the decoder; `prepare` and `inspect` get it. */
  readonly makeModel?: () => TrainableModel & { dispose(): void };
  /** Told about what each rank tells. */
  readonly listenerOf?: (rank: number) => RunListener;
  /** Takes a rank's error; the others go on. Without it the first error is thrown. */
  readonly onFailure?: (rank: number, error: Error) => void;
  /** Called for each rank before it trains. */
  readonly prepare?: (rank: number, model: Decoder) => void;
  /** Called for each rank when it has trained, while its model lives. */
  readonly inspect?: (rank: number, model: Decoder, run: TrainingRun) => unknown;
}

/** Trains a two-block MoDA model on patterned tokens with `ranks` ranks in this process; 0 for a run without a collective. */
export async function parallelRun(
  ranks: number,
  options: ParallelRunOptions,
): Promise<{ storage: MemoryStorage; summaries: RunSummary[] }> {
  const storage = options.storage ?? new MemoryStorage();
  const collectives: readonly (Collective | null)[] =
    ranks === 0 ? [null] : (options.collectives ?? inProcessCollectives(ranks));
  const summaries = await Promise.all(
    collectives.map((collective) =>
      oneRank(collective, storage, options).catch((error) => {
        if (!options.onFailure) throw error;
        options.onFailure(collective?.rank ?? 0, error);
        return [];
      }),
    ),
  );
  return { storage, summaries: summaries.flat() };
}

async function oneRank(
  collective: Collective | null,
  storage: MemoryStorage,
  options: ParallelRunOptions,
): Promise<RunSummary> {
  const rank = collective?.rank ?? 0;
  const device = options.devices[rank % options.devices.length];
  const config = resolveRunConfig(mergeConfigs(DEFAULTS, options.settings ?? {}, options.settingsOf?.(rank) ?? {}));
  const model = (options.makeModel?.() ??
    createDecoder(MODEL, { device, seed: 1, computeDtype: config.training.dtype })) as Decoder;
  options.prepare?.(rank, model);
  const run = new TrainingRun({
    config,
    model,
    T,
    sources: [{ source: patternSource, weight: 1 }],
    heldOut: [{ name: 'pattern', tokens: patternedTokens(401, V, 99), bytes: 400 }],
    separator: null,
    storage,
    identity: { V, T },
    writtenBy: {},
    collective,
    resumeFrom: options.resumeFrom ?? null,
    listener: options.listenerOf?.(rank) ?? (rank === 0 ? options.listener : undefined),
    signal: options.signals?.[rank],
  });
  try {
    const summary = await run.run();
    await options.inspect?.(rank, model, run);
    return summary;
  } finally {
    run.dispose();
    model.dispose();
  }
}

/** Settings of these runs where they say nothing else. */
export const DEFAULTS: RawConfig = {
  training: { steps: 50, batchSize: 8 },
  optimizer: { lr: 3e-3 },
  schedule: { warmupSteps: 5 },
  evaluation: { every: 20, batchSize: 4 },
  checkpoint: { every: 20, keepLast: 10 },
};

const MODEL = smallDecoderConfig(V, T);
