import { activations, type BlockConfig } from './block-config.ts';
import { type FieldRule, flag, isWhole, oneOf, orNull, positive, wholeFrom } from './field-rule.ts';
import { isRopeScaling, ropeScalingKinds } from './rope-scaling.ts';

const layers: FieldRule = {
  expected: 'a list of layers: whole numbers >= 0, each once',
  accepts: (value) =>
    Array.isArray(value) && value.every((one) => isWhole(one) && one >= 0) && new Set(value).size === value.length,
};

const ropeScaling: FieldRule = {
  expected: `an object of kind ${ropeScalingKinds.map((kind) => `'${kind}'`).join(', ')} with the fields of its kind`,
  accepts: isRopeScaling,
};

/** The rule of every field of `BlockConfig`. */
export const fieldRules: Readonly<Record<keyof BlockConfig, FieldRule>> = {
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
};
