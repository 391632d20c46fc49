import { ConfigError } from '@modajs/tensor';
import { deltaCodings } from '../distributed/diloco/delta-codec.ts';
import { gradientCodings } from '../distributed/gradients/block-codec.ts';
import { optimizerKinds } from '../optim/optimizer-kinds.ts';
import { type ConfigOf, choice, Field, flag, integer, list, nullable, number, open, optional, text } from './field.ts';
import { type AbsentSettings, type RawConfig, resolveConfig } from './resolve-config.ts';
import { type TextShape, textShapeOf } from './text-shape.ts';

/** One part of the training mixture. */
export interface DataSourceConfig {
  /** A file, a folder, `builtin:moby-dick`, or a folder of token shards, which stands for each of the sources it was made from. */
  readonly path: string;
  /** Share of the sequences relative to the other sources. */
  readonly weight: number;
}

const dataSource = new Field<DataSourceConfig>(
  { path: 'builtin:moby-dick', weight: 1 },
  'a path, or {path, weight} with weight above 0',
  'One text source',
  (value) => {
    if (typeof value === 'string' && value !== '') return { path: value, weight: 1 };
    if (typeof value !== 'object' || value === null) return undefined;
    const { path, weight = 1, ...rest } = value as Record<string, unknown>;
    if (typeof path !== 'string' || path === '') return undefined;
    if (typeof weight !== 'number' || !(weight > 0 && weight < Infinity)) return undefined;
    return Object.keys(rest).length === 0 ? { path, weight } : undefined;
  },
  {
    texts: { isText: true, keys: { path: { isText: true } } },
    json: {
      type: ['string', 'number', 'object'],
      properties: { path: { type: ['string', 'number'] }, weight: { type: 'number', exclusiveMinimum: 0 } },
      required: ['path'],
      additionalProperties: false,
    },
  },
);

const betas = (defaults: readonly [number, number], help: string) =>
  new Field<readonly [number, number]>(
    defaults,
    'two numbers from 0 to below 1',
    help,
    (value) =>
      Array.isArray(value) && value.length === 2 && value.every((b) => typeof b === 'number' && b >= 0 && b < 1)
        ? [value[0], value[1]]
        : undefined,
    {
      json: {
        type: 'array',
        items: { type: 'number', minimum: 0, exclusiveMaximum: 1 },
        minItems: 2,
        maxItems: 2,
      },
    },
  );

/** Every setting of a training run, with its default and its meaning: the shape of a preset's YAML file. */
export const runSchema = {
  name: text('run', 'Name of the folder under runs/'),
  seed: integer(1, 'Seed of weights, data order and samples', { min: 0, max: 0xffffffff }),
  device: choice(['auto', 'webgpu', 'cpu', 'reference'], 'auto', 'auto takes a hardware WebGPU adapter, else cpu'),
  threads: optional(integer(1, 'Threads of the cpu device; null asks the machine', { min: 1, max: 256 })),
  from: optional(
    text('', 'A trained model to start from: a run, a folder or file of weights, a repository of the hub'),
  ),
  model: open('Decoder configuration (packages/models); vocabSize follows the tokenizer when left out', {
    keys: { preset: { isText: true } },
  }),
  lora: {
    rank: optional(integer(8, 'Train a low-rank adapter of this rank, and leave the weights as they are', { min: 1 })),
    alpha: number(16, 'The adapter counts alpha / rank times', { above: 0 }),
    targets: list(text('', 'A map, such as q_proj, or all-linear'), ['q_proj', 'v_proj'], 'Maps that it adapts'),
    rankStabilized: flag(false, 'Count it alpha / sqrt(rank) times'),
  },
  tokenizer: {
    path: optional(text('', 'A tokenizer.json to use instead of training one')),
    vocabSize: integer(512, 'Vocabulary to train', { min: 257, max: 1_000_000 }),
  },
  data: {
    sources: list(dataSource, [{ path: 'builtin:moby-dick', weight: 1 }], 'Where the text comes from'),
    heldOut: number(0.05, 'Share of each source that is never trained on', { min: 0, max: 0.5 }),
    heldOutBy: choice(
      ['document', 'end'],
      'document',
      'document: whole documents, drawn by a hash of their text (of a source of one document its end); end: the end of each source',
    ).since('end'),
    mixture: choice(
      ['equal', 'proportional'],
      'equal',
      "proportional: a source's weight is multiplied by its tokens, so that all of its text comes as often as that of the others",
    ),
    packing: choice(['stream', 'documents'], 'stream', 'documents: tokens of two documents do not see each other'),
    shuffle: flag(true, 'Visit sequences in a seeded order, new in each epoch'),
    offsets: choice(
      ['round', 'drawn'],
      'round',
      'Where an epoch starts in its source. round: every place once in a round, the ends first; drawn: as in 0.0.0, never the last tokens',
    ).since('drawn'),
    chatTemplate: optional(
      text('', 'A .jinja file: how conversations are written as text; null takes the template of the model'),
    ),
    onInvalid: choice(['fail', 'replace', 'skip'], 'fail', 'What to do with text that is not UTF-8'),
  },
  training: {
    steps: integer(1000, 'Optimiser steps', { min: 1 }),
    seqLen: optional(integer(512, "Tokens of a sequence; null: the model's seqLen", { min: 1 })),
    batchSize: integer(8, 'Sequences in one optimiser step, over all ranks and accumulation parts', { min: 1 }),
    gradientAccumulation: integer(1, 'Parts a batch is computed in; divides batchSize', { min: 1 }),
    dtype: choice(['f32', 'f16'], 'f32', 'Operands of the model; master weights are f32'),
    activationCheckpointing: flag(false, 'Recompute blocks in the backward pass to save memory'),
    zLoss: number(0, 'Weight of the squared log-sum-exp in the loss', { min: 0 }),
    sync: choice(
      ['exact', 'diloco'],
      'exact',
      'With several ranks. exact: every step averages gradients; diloco: ranks step alone and average what their steps changed now and then',
    ),
    gradientCoding: choice(
      gradientCodings,
      'f32',
      'exact: how gradients travel between ranks. f32: bit for bit; f16: half the bytes, cast on the device, each block of 256 with a scale; int8: a quarter, what it leaves out comes with the next step',
    ),
    diloco: {
      every: integer(30, 'diloco: steps of a rank between two exchanges of a parameter', { min: 1 }),
      fragments: integer(3, 'diloco: parts of the parameters, exchanged after different steps', { min: 1, max: 256 }),
      delay: integer(5, 'diloco: steps that go on while a part travels; below every', { min: 0 }),
      outerLr: number(0.7, 'diloco: learning rate of the outer optimiser, SGD on the mean change of the ranks', {
        above: 0,
      }),
      outerMomentum: number(0.9, 'diloco: its Nesterov momentum', { min: 0, max: 0.9999 }),
      coding: choice(
        deltaCodings,
        'f16',
        'diloco: how changes travel; int8 (blocks of 256) and topk keep what they leave out and send it the next time',
      ),
      topKShare: number(0.03, 'diloco: share of the values that topk sends', { above: 0, max: 1 }),
      patienceSeconds: number(60, 'diloco: the others go on without a rank that has been silent for so long', {
        above: 0,
      }),
    },
    shardOptimizer: flag(false, 'With several ranks: each keeps the optimiser state of its share only (ZeRO stage 1)'),
    emaDecay: optional(number(0.999, 'Keep an exponential moving average of the weights', { above: 0, max: 0.999999 })),
  },
  optimizer: {
    kind: choice(optimizerKinds, 'adamw', 'muon: matrices by Muon, the rest by AdamW'),
    lr: number(1e-3, 'Peak learning rate', { above: 0 }),
    muonLr: number(0.02, 'Peak learning rate of Muon matrices', { above: 0 }),
    muonMomentum: number(0.95, 'Momentum of Muon', { min: 0, max: 0.9999 }),
    sgdMomentum: number(0.9, 'Momentum of SGD; 0 keeps no state', { min: 0, max: 0.9999 }),
    sgdNesterov: flag(false, 'Nesterov momentum of SGD'),
    lionBetas: betas([0.9, 0.99], 'Lion betas: of the direction, and of the momentum'),
    betas: betas([0.9, 0.95], 'AdamW betas'),
    eps: number(1e-8, 'AdamW epsilon', { above: 0 }),
    weightDecay: number(0.1, 'Decay, decoupled but in SGD; norms, biases and embeddings have none', { min: 0 }),
    clipNorm: number(1, 'Global gradient norm limit', { above: 0 }),
  },
  schedule: {
    kind: choice(['cosine', 'linear', 'wsd', 'constant'], 'cosine', 'wsd: warm up, stay, decay'),
    warmupSteps: integer(100, 'Linear warm-up', { min: 0 }),
    finalLrRatio: number(0.1, 'Learning rate at the end over the peak', { min: 0, max: 1 }),
    decayShare: number(0.2, 'wsd: share of the steps that decays', { above: 0, max: 1 }),
  },
  lossScale: {
    initial: number(65536, 'First loss scale in f16', { above: 0 }),
    growthInterval: integer(2000, 'Clean steps before the scale doubles', { min: 1 }),
  },
  evaluation: {
    every: integer(500, 'Steps between held-out evaluations; the last step always evaluates', { min: 1 }),
    maxTokens: integer(65536, 'Held-out tokens of an evaluation on the way; the last one reads all', { min: 1 }),
    batchSize: integer(16, 'Sequences evaluated at once', { min: 1 }),
    tasks: list(text('', 'A task or group of moda eval'), [], 'Tasks run at every evaluation, e.g. [piqa, sciq]'),
    taskData: optional(text('', 'Folder of their datasets; null takes them from the hub, with a cache')),
    taskLimit: integer(100, 'First so many documents of each task', { min: 1 }),
    taskShots: integer(0, 'Examples before each prompt', { min: 0 }),
    strideShare: number(
      0.5,
      'New tokens of a window over its length: 0.5 gives each at least half a window of context',
      {
        above: 0,
        max: 1,
      },
    ),
  },
  samples: {
    prompts: list(text('', 'A prompt'), ['Call me Ishmael.', 'The whale'], 'Prompts continued at the end'),
    maxNewTokens: integer(120, 'Tokens per sample', { min: 1 }),
    temperature: number(0.8, 'Sampling temperature; 0 takes the likeliest', { min: 0 }),
    topK: integer(50, 'Sample among this many; 0 for all', { min: 0 }),
    atEvaluations: flag(false, 'Continue the prompts at every evaluation too, into samples.jsonl'),
  },
  checkpoint: {
    every: nullable(
      integer(500, 'Steps between checkpoints; the last step always saves; null never saves', { min: 1 }),
    ),
    keepLast: integer(2, 'Newest checkpoints kept, beside the best', { min: 1 }),
  },
  guard: {
    onNan: choice(['stop', 'skip', 'rollback'], 'stop', 'What a loss or gradient that is not finite does to the run'),
    spikeFactor: optional(
      number(3, 'A loss above this multiple of the running mean counts as not finite', { above: 1 }),
    ),
    maxEvents: integer(20, 'Skips or roll-backs before the run stops all the same', { min: 1 }),
  },
  logging: {
    every: integer(1, 'Steps between rows of metrics.jsonl', { min: 1 }),
    peakFlops: optional(
      number(0, 'FLOP/s of one device that count as 100 % utilisation; null measures a matrix product at the start', {
        above: 0,
      }),
    ),
    tensorBoard: flag(true, 'Write TensorBoard event files'),
  },
} as const;

/** Where a training configuration holds text. */
export const runTextShape: TextShape = textShapeOf(runSchema);

/** A checked training configuration. */
export type RunConfig = ConfigOf<typeof runSchema>;

/**
 * Checks raw settings and fills in what they leave out.
 *
 * @param absent `earlier` for settings that a run saved, perhaps before some of today's existed
 * @throws ConfigError for unknown keys, wrong types, and settings that contradict each other
 */
export function resolveRunConfig(raw: RawConfig, where = 'config', absent: AbsentSettings = 'default'): RunConfig {
  const config = resolveConfig(runSchema, raw, where, absent);
  const { batchSize, gradientAccumulation } = config.training;
  if (batchSize % gradientAccumulation !== 0) {
    throw new ConfigError(
      `${where}: training.gradientAccumulation must divide training.batchSize, got ${gradientAccumulation} and ${batchSize}. ` +
        'Change one of them.',
      { batchSize, gradientAccumulation },
    );
  }
  requireExact(config, where);
  requireDiloco(config, where);
  if (config.lora.rank !== null && config.from === null) {
    throw new ConfigError(`${where}: lora needs a model to adapt, got none. Set from to one.`);
  }
  if (config.guard.onNan === 'rollback' && config.checkpoint.every === null) {
    throw new ConfigError(
      `${where}: guard.onNan rollback needs checkpoints to roll back to, got checkpoint.every null. Set one of them.`,
    );
  }
  return config;
}

/** @throws ConfigError for settings that ranks which average gradients cannot follow */
function requireExact({ training }: RunConfig, where: string): void {
  const { gradientCoding, shardOptimizer } = training;
  if (gradientCoding === 'f32' || !shardOptimizer) return;
  throw new ConfigError(
    `${where}: training.gradientCoding must be f32 with training.shardOptimizer, got ${gradientCoding}: the weights ` +
      'would still travel in f32 every step. Set one of them.',
    { gradientCoding },
  );
}

/** @throws ConfigError for settings that ranks which step alone cannot follow */
function requireDiloco({ training, guard }: RunConfig, where: string): void {
  const { sync, diloco, shardOptimizer, gradientCoding } = training;
  if (sync !== 'diloco') return;
  if (gradientCoding !== 'f32') {
    throw new ConfigError(
      `${where}: training.gradientCoding must be f32 with training.sync diloco, got ${gradientCoding}: its gradients do not travel. ` +
        'Set training.diloco.coding instead.',
      { gradientCoding },
    );
  }
  if (diloco.delay >= diloco.every) {
    throw new ConfigError(
      `${where}: training.diloco.delay must be below training.diloco.every, got ${diloco.delay} and ${diloco.every}. ` +
        `Set training.diloco.delay to ${diloco.every - 1} or less.`,
      { delay: diloco.delay, every: diloco.every },
    );
  }
  if (shardOptimizer) {
    throw new ConfigError(
      `${where}: training.shardOptimizer must be false with training.sync diloco, got true: each rank steps alone. Set one of them.`,
    );
  }
  if (guard.onNan === 'rollback') {
    throw new ConfigError(
      `${where}: guard.onNan must be stop or skip with training.sync diloco, got rollback: ranks cannot go back alone. Set one of them.`,
    );
  }
}
