import type { Checkpoint } from '../src/checkpoint/checkpoint.ts';
import type { RawConfig } from '../src/config/resolve-config.ts';
import { type RunConfig, resolveRunConfig } from '../src/config/run-config.ts';
import { type TokenSource, tokensInMemory } from '../src/data/token-source.ts';
import type { RunEvent } from '../src/run/run-event.ts';
import type { RunSummary } from '../src/run/run-inputs.ts';
import type { TrainableModel } from '../src/run/trainable-model.ts';
import { TrainingRun } from '../src/run/training-run.ts';
import { MemoryStorage } from '../src/storage/memory-storage.ts';
import { bigramModel, patternedTokens } from './bigram-model.ts';

const V = 17;
const T = 11;

/** What a test may change about `smallRun`. */
export interface SmallRunOptions {
  readonly settings?: RawConfig;
  readonly storage?: MemoryStorage;
  readonly resumeFrom?: Checkpoint | null;
  readonly signal?: AbortSignal;
  readonly listener?: (event: RunEvent) => void;
  readonly model?: TrainableModel & { dispose(): void };
  readonly identity?: Record<string, number>;
  readonly source?: TokenSource;
}

export function smallConfig(settings: RawConfig = {}): RunConfig {
  return resolveRunConfig({
    training: { steps: 40, batchSize: 6, ...((settings.training as RawConfig) ?? {}) },
    optimizer: { lr: 0.05, weightDecay: 0.01, ...((settings.optimizer as RawConfig) ?? {}) },
    schedule: { warmupSteps: 3 },
    evaluation: { every: 15, batchSize: 3 },
    checkpoint: { every: 10, keepLast: 10 },
    guard: settings.guard ?? {},
  });
}

/** Trains the bigram model for a few steps in memory on the default device. */
export async function smallRun(options: SmallRunOptions = {}): Promise<{
  summary: RunSummary;
  storage: MemoryStorage;
  events: RunEvent[];
}> {
  const { storage = new MemoryStorage(), resumeFrom = null, signal } = options;
  const model = options.model ?? bigramModel(V, 5, 3);
  const events: RunEvent[] = [];
  const tokens = patternedTokens(1013, V, 5);
  const run = new TrainingRun({
    config: smallConfig(options.settings),
    model,
    T,
    sources: [{ source: options.source ?? tokensInMemory('pattern', tokens), weight: 1 }],
    heldOut: [{ name: 'pattern', tokens: patternedTokens(101, V, 99), bytes: 100 }],
    separator: null,
    storage,
    identity: options.identity ?? { V, T },
    writtenBy: { test: '1' },
    resumeFrom,
    listener: (event) => {
      events.push(event);
      options.listener?.(event);
    },
    signal,
  });
  try {
    return { summary: await run.run(), storage, events };
  } finally {
    run.dispose();
    model.dispose();
  }
}
