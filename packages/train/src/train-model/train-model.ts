import { createDecoder, type DecoderConfigInput } from '@modajs/models';
import { ConfigError, type Device, defaultDevice, type Platform, shown } from '@modajs/tensor';
import { callback, checkedLater, checkOptions, type OptionChecks } from '@modajs/tensor/checks';
import { type Tokenizer, trainBpe } from '@modajs/tokenizer';
import { readLatestCheckpoint } from '../checkpoint/checkpoint.ts';
import { mergeConfigs, type RawConfig } from '../config/resolve-config.ts';
import { resolveRunConfig } from '../config/run-config.ts';
import { DOCUMENT_SEPARATOR, prepareText } from '../data/prepare-text.ts';
import { splitSource } from '../data/split-source.ts';
import { type MetricsRow, readMetrics } from '../metrics/metrics-log.ts';
import { OpenedRun } from '../open/open-run.ts';
import { ownSpecialTokens } from '../open/special-tokens.ts';
import { prepareModelConfig } from '../run/prepare-model-config.ts';
import { requireResumable } from '../run/require-resumable.ts';
import type { RunEvent } from '../run/run-event.ts';
import { runIdentityOf } from '../run/run-identity-of.ts';
import type { RunSummary } from '../run/run-inputs.ts';
import { sequenceLength } from '../run/sequence-length.ts';
import { TrainingRun } from '../run/training-run.ts';
import { MemoryStorage } from '../storage/memory-storage.ts';
import type { RunStorage } from '../storage/run-storage.ts';

/** What a callback says about the run: `'stop'` ends it after the step in progress. */
// biome-ignore lint/suspicious/noConfusingVoidType: a callback that returns nothing is one
export type StepCallback = (row: MetricsRow) => 'stop' | void;

/** What to train, on what, and who watches. */
export interface TrainModelOptions {
  /** A text, or documents. */
  readonly text: string | readonly string[];
  /** Fields of the decoder's configuration over those of `config.model`; the vocabulary is the tokenizer's. */
  readonly model?: Partial<DecoderConfigInput> & { readonly preset?: string };
  /** Settings of the run, as in a preset's YAML file: `{ training: { steps: 500 }, optimizer: { lr: 3e-3 } }`. */
  readonly config?: RawConfig;
  /** Trained on the text when left out, with `config.tokenizer.vocabSize` tokens. */
  readonly tokenizer?: Tokenizer;
  /** The default device when left out. */
  readonly device?: Device;
  /** Where the run's files go; memory when left out. A run that is there already goes on from its newest checkpoint. */
  readonly storage?: RunStorage;
  readonly signal?: Platform<'AbortSignal'>;
  /** After each step: loss, learning rate, gradient norm, speed. */
  readonly onStep?: StepCallback;
  /** After each evaluation (`config.evaluation.every`): the same, with `heldOutLoss` and `heldOutBitsPerByte`. */
  readonly onEvaluation?: StepCallback;
  /** Everything else that happens: the start, checkpoints, warnings, the end. */
  readonly onEvent?: (event: RunEvent) => void;
}

const OPTIONS: OptionChecks<TrainModelOptions> = {
  text: checkedLater,
  model: checkedLater,
  config: checkedLater,
  tokenizer: checkedLater,
  device: checkedLater,
  storage: checkedLater,
  signal: checkedLater,
  onStep: callback,
  onEvaluation: callback,
  onEvent: callback,
};

/** A model that has just been trained, with how its run ended. */
export class TrainedModel extends OpenedRun {
  constructor(
    run: Pick<OpenedRun, 'model' | 'tokenizer' | 'special' | 'config' | 'metrics' | 'step'>,
    readonly summary: RunSummary,
    /** The run's files: `openRun(storage)` opens them again. */
    readonly storage: RunStorage,
  ) {
    super(run.model, run.tokenizer, run.special, run.config, run.metrics, run.step);
  }
}

/**
 * Trains a decoder on text: a tokenizer, held-out text, schedule, checkpoints and metrics as `moda train` has them, and in the same files.
 *
 * @example
 * const run = await trainModel({
 *   text,
 *   model: { nLayers: 4, nHeads: 4, dModel: 128, seqLen: 128, depth: 'moda' },
 *   config: { training: { steps: 500, batchSize: 8 }, evaluation: { every: 50 } },
 *   onStep: ({ step, loss }) => console.log(step, loss),
 *   onEvaluation: earlyStop({ patience: 3 }),
 * });
 * for await (const piece of run.generate('The ')) write(piece);
 *
 * @throws ConfigError for settings; DataError for too little text; TrainingStoppedError; what a callback throws, after the step in progress
 */
export async function trainModel(options: TrainModelOptions): Promise<TrainedModel> {
  checkOptions('trainModel', options, OPTIONS, ['text']);
  const { model: fields = {}, storage = new MemoryStorage(), device = defaultDevice() } = options;
  const config = resolveRunConfig(mergeConfigs(options.config ?? {}, { model: fields as RawConfig }));
  const split = splitSource(documentsOf(options.text), config.data);
  const tokenizer =
    options.tokenizer ??
    trainBpe(split.train, { vocabSize: config.tokenizer.vocabSize, specialTokens: [DOCUMENT_SEPARATOR] });
  const { sources, heldOut } = prepareText([{ name: 'text', weight: 1, split }], tokenizer);
  const isGiven = options.tokenizer !== undefined;
  const decoderConfig = prepareModelConfig(config, tokenizer.vocabSize, { isGiven });
  const tokenizerJson = tokenizer.toJson();
  const special = ownSpecialTokens(tokenizer);
  const identity = await runIdentityOf(config, decoderConfig, tokenizerJson);
  const { dtype: computeDtype } = config.training;
  const model = createDecoder(decoderConfig, { device, seed: config.seed, computeDtype });
  try {
    const T = sequenceLength(config, decoderConfig);
    const watch = new Watch(options);
    const resumeFrom = await readLatestCheckpoint(storage);
    // Before anything is written: a refused resume leaves the files as they were.
    if (resumeFrom) requireResumable(resumeFrom, { config, identity });
    using run = new DisposableRun({
      config,
      model,
      T,
      sources,
      heldOut,
      separator: config.data.packing === 'documents' ? (special.end[0] ?? null) : null,
      storage,
      identity,
      writtenBy: { trainModel: device.toString() },
      resumeFrom,
      flopsPerToken: model.countFlops(T).total / T,
      listener: watch.listener,
      signal: watch.signal,
    });
    await storage.write('config.json', `${JSON.stringify({ run: config, model: decoderConfig }, null, 2)}\n`);
    await storage.write('tokenizer.json', tokenizerJson);
    const summary = await run.run();
    watch.end();
    const metrics = await readMetrics(storage);
    return new TrainedModel({ model, tokenizer, special, config, metrics, step: summary.step }, summary, storage);
  } catch (error) {
    model.dispose();
    throw error;
  }
}

class DisposableRun extends TrainingRun {
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Tells a run's callbacks what happens, and the run when one of them ends it. */
class Watch {
  readonly signal: Platform<'AbortSignal'>;
  readonly #stop = new AbortController();
  readonly #options: TrainModelOptions;
  #failure: { readonly error: unknown } | null = null;

  constructor(options: TrainModelOptions) {
    this.#options = options;
    const { signal } = options;
    this.signal = this.#stop.signal;
    if (signal?.aborted) this.#stop.abort();
    else signal?.addEventListener('abort', () => this.#stop.abort(), { once: true });
  }

  /** A run's listener must not throw: what a callback throws ends the run, and `end` throws it. */
  readonly listener = (event: RunEvent): void => {
    const { onStep, onEvaluation, onEvent } = this.#options;
    try {
      let answer: unknown;
      if (event.kind === 'step') answer = onStep?.(event.row);
      else if (event.kind === 'evaluation') answer = onEvaluation?.(event.row);
      else onEvent?.(event);
      if (answer === 'stop') this.#stop.abort();
      else if (answer !== undefined) throw unknownAnswer(event.kind, answer);
    } catch (error) {
      this.#failure ??= { error };
      this.#stop.abort();
    }
  };

  /** @throws what a callback threw first */
  end(): void {
    if (this.#failure) throw this.#failure.error;
  }
}

function unknownAnswer(kind: string, answer: unknown): ConfigError {
  const name = kind === 'step' ? 'onStep' : 'onEvaluation';
  return new ConfigError(
    `trainModel: ${name} must return 'stop' or nothing, got ${shown(answer)}. It is called between steps and cannot be awaited.`,
  );
}

function documentsOf(text: string | readonly string[]): readonly string[] {
  const documents = typeof text === 'string' ? [text] : text;
  if (Array.isArray(documents) && documents.length > 0 && documents.every((it) => typeof it === 'string')) {
    return documents;
  }
  throw new ConfigError(`trainModel: text must be a string or a list of them, got ${shown(text)}.`);
}
