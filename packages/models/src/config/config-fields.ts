import { activations, type DecoderConfig, depthMechanisms } from './decoder-config.ts';
import { isRopeScaling, ropeScalingKinds } from './rope-scaling.ts';

/** What a config field may hold, in words and as a test. */
export interface FieldRule {
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
}

const isWhole = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value);

/** Sizes are 32-bit integers on devices. */
const wholeFrom = (low: number): FieldRule => ({
  expected: `a whole number >= ${low} and < 2^31`,
  accepts: (value) => isWhole(value) && value >= low && value < 2 ** 31,
});

const positive: FieldRule = {
  expected: 'a number > 0',
  accepts: (value) => typeof value === 'number' && value > 0 && Number.isFinite(value),
};

const flag: FieldRule = { expected: 'true or false', accepts: (value) => typeof value === 'boolean' };

const oneOf = (...values: readonly string[]): FieldRule => ({
  expected: `one of ${values.map((value) => `'${value}'`).join(', ')}`,
  accepts: (value) => values.includes(value as string),
});

const layers: FieldRule = {
  expected: 'a list of layers: whole numbers >= 0, each once',
  accepts: (value) =>
    Array.isArray(value) && value.every((one) => isWhole(one) && one >= 0) && new Set(value).size === value.length,
};

const ropeScaling: FieldRule = {
  expected: `an object of kind ${ropeScalingKinds.map((kind) => `'${kind}'`).join(', ')} with the fields of its kind`,
  accepts: isRopeScaling,
};

const orNull = (rule: FieldRule): FieldRule => ({
  expected: `${rule.expected}, or null`,
  accepts: (value) => value === null || rule.accepts(value),
});

/** The rule of every field of `DecoderConfig`. */
export const fieldRules: Readonly<Record<keyof DecoderConfig, FieldRule>> = {
  nLayers: wholeFrom(1),
  nHeads: wholeFrom(1),
  nKvHeads: wholeFrom(1),
  headDim: wholeFrom(1),
  dModel: wholeFrom(1),
  dFf: wholeFrom(1),
  vocabSize: wholeFrom(1),
  seqLen: wholeFrom(1),
  norm: oneOf('pre', 'post', 'reordered', 'sandwich'),
  normKind: oneOf('rms', 'layer'),
  normEps: positive,
  qkNorm: oneOf('none', 'full', 'head'),
  bias: flag,
  biasMaps: oneOf('all', 'attention', 'qkv', 'ffn'),
  tieEmbeddings: flag,
  activation: oneOf(...activations),
  parallelBlocks: flag,
  embeddingScale: positive,
  residualScale: positive,
  logitScale: positive,
  logitSoftcap: orNull(positive),
  positions: oneOf('rope', 'learned'),
  ropeTheta: positive,
  ropeScaling: orNull(ropeScaling),
  localRopeTheta: orNull(positive),
  rotaryDim: orNull(wholeFrom(2)),
  nopeLayers: layers,
  ropeInterleaved: flag,
  softmaxScale: orNull(positive),
  softmaxScaleByLayer: flag,
  attentionSoftcap: orNull(positive),
  window: orNull(wholeFrom(1)),
  localLayers: layers,
  depth: oneOf(...depthMechanisms),
  depthFfnProjection: flag,
  depthAttentionProjection: flag,
  depthLastProjection: flag,
  depthKeyNorm: oneOf('none', 'writer', 'reader'),
  depthRope: oneOf('none', 'shared'),
  depthGate: flag,
  depthChunk: wholeFrom(1),
  depthSlots: orNull(wholeFrom(1)),
  depthSlotsBy: oneOf('recency', 'score', 'both'),
  hyperStreams: wholeFrom(1),
  residualBlock: wholeFrom(1),
};
