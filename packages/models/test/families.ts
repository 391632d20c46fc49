import { type DecoderConfigInput, defineDecoderConfig, type ModelFamily } from '../src/index.ts';

const base: DecoderConfigInput = {
  nLayers: 2,
  nHeads: 6,
  nKvHeads: 2,
  headDim: 8,
  dModel: 32,
  dFf: 40,
  vocabSize: 288,
  seqLen: 64,
  normEps: 1e-5,
  ropeTheta: 10_000,
};

/** A small model of each family that other libraries know. */
export const smallFamilies = {
  // llama.cpp knows olmo2 only with heads as wide as the model.
  olmo2: defineDecoderConfig({ ...base, dModel: 48 }),
  llama: defineDecoderConfig({ ...base, norm: 'pre', qkNorm: 'none', tieEmbeddings: false }),
  qwen3: defineDecoderConfig({ ...base, norm: 'pre', qkNorm: 'head' }),
  gpt2: defineDecoderConfig({
    ...base,
    norm: 'pre',
    nKvHeads: 6,
    headDim: 4,
    dModel: 24,
    dFf: 96,
    normKind: 'layer',
    activation: 'gelu',
    positions: 'learned',
    qkNorm: 'none',
    bias: true,
  }),
  qwen2: defineDecoderConfig({
    ...base,
    norm: 'pre',
    qkNorm: 'none',
    bias: true,
    biasMaps: 'qkv',
    window: 5,
    localLayers: [1],
  }),
  mistral: defineDecoderConfig({ ...base, norm: 'pre', qkNorm: 'none', window: 5 }),
  olmo3: defineDecoderConfig({
    ...{ ...base, window: 5, localLayers: [0], localRopeTheta: 100, bias: true, biasMaps: 'attention' },
    ropeScaling: {
      ...{ kind: 'yarn', factor: 4, attentionFactor: 1.2, betaFast: 32, betaSlow: 1, isTruncated: true },
      trainedLength: 16,
    },
  }),
  smollm3: defineDecoderConfig({
    ...{ ...base, norm: 'pre', qkNorm: 'none', nopeLayers: [1], bias: true, biasMaps: 'ffn' },
    ropeScaling: { kind: 'llama3', factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, trainedLength: 16 },
  }),
  granite: defineDecoderConfig({
    ...{ ...base, norm: 'pre', qkNorm: 'none', embeddingScale: 3, residualScale: 0.25, logitScale: 0.125 },
    ...{ softmaxScale: 0.2, ropeScaling: { kind: 'dynamic', factor: 2, trainedLength: 64 } },
  }),
  phi3: defineDecoderConfig({
    ...{ ...base, norm: 'pre', qkNorm: 'none', nHeads: 4, headDim: 8, rotaryDim: 6 },
    ropeScaling: {
      ...{ kind: 'longrope', shortFactors: [1, 1.1, 1.3], longFactors: [1.5, 2.5, 4] },
      ...{ attentionFactor: 1.2, trainedLength: 16 },
    },
  }),
  gemma: defineDecoderConfig({
    ...{ ...base, norm: 'pre', qkNorm: 'none', activation: 'geglu', embeddingScale: Math.sqrt(32) },
    ropeScaling: { kind: 'linear', factor: 2 },
  }),
  gemma2: defineDecoderConfig({
    ...{ ...base, norm: 'sandwich', qkNorm: 'none', activation: 'geglu', embeddingScale: Math.sqrt(32) },
    ...{ window: 5, localLayers: [0], softmaxScale: 0.25, attentionSoftcap: 5, logitSoftcap: 3 },
  }),
  gemma3_text: defineDecoderConfig({
    ...{ ...base, norm: 'sandwich', qkNorm: 'head', activation: 'geglu', embeddingScale: Math.sqrt(32) },
    ...{ window: 5, localLayers: [0], localRopeTheta: 100, softmaxScale: 0.25 },
  }),
  gpt_neox: defineDecoderConfig({
    ...{ ...base, norm: 'pre', nHeads: 4, nKvHeads: 4, normKind: 'layer', activation: 'gelu-erf', qkNorm: 'none' },
    ...{ bias: true, biasMaps: 'ffn', parallelBlocks: true, rotaryDim: 2, tieEmbeddings: false },
  }),
} as const satisfies Record<ModelFamily, unknown>;
