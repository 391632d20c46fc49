import { type DecoderConfig, depthMechanisms } from './decoder-config.ts';

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
  norm: oneOf('pre', 'post', 'reordered'),
  normKind: oneOf('rms', 'layer'),
  normEps: positive,
  qkNorm: oneOf('none', 'full', 'head'),
  bias: flag,
  tieEmbeddings: flag,
  activation: oneOf('swiglu', 'gelu'),
  positions: oneOf('rope', 'learned'),
  ropeTheta: positive,
  ropeInterleaved: flag,
  softmaxScale: orNull(positive),
  depth: oneOf(...depthMechanisms),
  depthFfnProjection: flag,
  depthAttentionProjection: flag,
  depthLastProjection: flag,
  depthKeyNorm: oneOf('none', 'writer', 'reader'),
  depthRope: oneOf('none', 'shared'),
  depthChunk: wholeFrom(1),
  depthSlots: orNull(wholeFrom(1)),
  depthSlotsBy: oneOf('recency', 'score', 'both'),
  hyperStreams: wholeFrom(1),
  residualBlock: wholeFrom(1),
};
