import type { DecoderConfig, DecoderConfigInput } from '../src/config/decoder-config.ts';
import { defineDecoderConfig } from '../src/config/define-decoder-config.ts';
import { type DepthInput, depthMechanisms } from '../src/depth/mechanisms.ts';

const base: DecoderConfigInput = {
  nLayers: 3,
  nHeads: 6,
  nKvHeads: 2,
  headDim: 4,
  dModel: 10,
  dFf: 14,
  vocabSize: 19,
  seqLen: 32,
  norm: 'pre',
  normEps: 1e-5,
  ropeTheta: 100,
};

const variants: Record<string, Partial<DecoderConfigInput>> = {
  'moda, attention projections, post-norm': {
    depth: { kind: 'moda', attentionProjection: true },
    norm: 'post',
  },
  'moda, attention slots only, reordered': {
    depth: { kind: 'moda', ffnProjection: false },
    norm: 'reordered',
  },
  'moda, raw keys without RoPE': { depth: { kind: 'moda', keyNorm: 'none', rope: 'none' } },
  'moda, reader norm': { depth: { kind: 'moda', keyNorm: 'reader' } },
  'moda, reader norm per head, no RoPE': {
    depth: { kind: 'moda', keyNorm: 'reader', rope: 'none' },
    qkNorm: 'head',
  },
  'moda, newest 2 slots': { depth: { kind: 'moda', slots: 2 } },
  'moda, best 2 slots': { depth: { kind: 'moda', slots: 2, slotsBy: 'score' } },
  'moda, newest 2 and best slot, reader norm': {
    depth: { kind: 'moda', slots: 3, slotsBy: 'both', keyNorm: 'reader' },
    norm: 'post',
  },
  'moda, capped logits': { depth: 'moda', attentionSoftcap: 0.5 },
  'moda, gated': { depth: { kind: 'moda', gate: true } },
  'moda, gated, best 2 slots, reader norm': {
    depth: { kind: 'moda', gate: true, slots: 2, slotsBy: 'score', keyNorm: 'reader' },
  },
  'moda, no QK-norm': { depth: { kind: 'moda', keyNorm: 'none' }, qkNorm: 'none', norm: 'post' },
  'moda-chunk-visible, C=3': { depth: { kind: 'moda-chunk-visible', chunk: 3 } },
  // Positions of 256 B: kernels write their results into the slots.
  'moda-chunk-visible, C=3, D=16': { depth: { kind: 'moda-chunk-visible', chunk: 3 }, headDim: 16 },
  'norms on both sides, two rotations, windows, caps, scales': {
    norm: 'sandwich',
    qkNorm: 'head',
    activation: 'geglu',
    embeddingScale: 3,
    window: 3,
    localLayers: [0, 2],
    localRopeTheta: 10,
    attentionSoftcap: 2,
    logitSoftcap: 2,
    residualScale: 0.5,
    logitScale: 2,
    // A norm of small outputs bends more than differences of a fixed step follow.
    normEps: 0.1,
  },
  'moda, parallel, part of a head, biases of the FFN': {
    depth: 'moda',
    parallelBlocks: true,
    rotaryDim: 2,
    normKind: 'layer',
    activation: 'gelu-erf',
    bias: true,
    biasMaps: 'ffn',
  },
  'moda, windows, layers without RoPE, llama3, biases of q, k, v': {
    depth: { kind: 'moda', rope: 'none' },
    nopeLayers: [1],
    window: 4,
    localLayers: [1, 2],
    qkNorm: 'none',
    bias: true,
    biasMaps: 'qkv',
    softmaxScaleByLayer: true,
    ropeScaling: { kind: 'llama3', factor: 4, lowFrequencyFactor: 1, highFrequencyFactor: 4, trainedLength: 16 },
  },
  'moda, reader norm, part of a head, yarn': {
    depth: { kind: 'moda', keyNorm: 'reader' },
    rotaryDim: 2,
    biasMaps: 'attention',
    bias: true,
    ropeScaling: {
      kind: 'yarn',
      factor: 4,
      attentionFactor: 1.3,
      betaFast: 4,
      betaSlow: 1,
      isTruncated: true,
      trainedLength: 16,
    },
  },
  'gpt2 block': {
    normKind: 'layer',
    activation: 'gelu',
    positions: 'learned',
    bias: true,
    qkNorm: 'none',
    tieEmbeddings: false,
  },
};

const small: { readonly [kind in string]?: DepthInput } = {
  'manifold-hyper-connections': { kind: 'manifold-hyper-connections', streams: 2 },
};

/** A small model of every mechanism and of every option of MoDA, for tests. */
export const smallConfigs: Readonly<Record<string, DecoderConfig>> = {
  ...Object.fromEntries(
    depthMechanisms.map((depth) => [
      depth,
      // Sinkhorn's iterations are many operators: two blocks and streams are enough to test them.
      defineDecoderConfig({
        ...base,
        depth: small[depth] ?? depth,
        nLayers: depth === 'manifold-hyper-connections' ? 2 : base.nLayers,
      }),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(variants).map(([name, variant]) => [name, defineDecoderConfig({ ...base, ...variant })]),
  ),
};
