import { type DecoderConfig, type DecoderConfigInput, depthMechanisms } from '../src/config/decoder-config.ts';
import { defineDecoderConfig } from '../src/config/define-decoder-config.ts';

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

const variants: Record<string, Partial<DecoderConfig>> = {
  'moda, attention projections, post-norm': { depth: 'moda', depthAttentionProjection: true, norm: 'post' },
  'moda, attention slots only, reordered': { depth: 'moda', depthFfnProjection: false, norm: 'reordered' },
  'moda, raw keys without RoPE': { depth: 'moda', depthKeyNorm: 'none', depthRope: 'none' },
  'moda, reader norm': { depth: 'moda', depthKeyNorm: 'reader' },
  'moda, reader norm per head, no RoPE': { depth: 'moda', depthKeyNorm: 'reader', depthRope: 'none', qkNorm: 'head' },
  'moda, newest 2 slots': { depth: 'moda', depthSlots: 2 },
  'moda, best 2 slots': { depth: 'moda', depthSlots: 2, depthSlotsBy: 'score' },
  'moda, newest 2 and best slot, reader norm': {
    ...{ depth: 'moda', depthSlots: 3, depthSlotsBy: 'both', depthKeyNorm: 'reader', norm: 'post' },
  },
  'moda, no QK-norm': { depth: 'moda', qkNorm: 'none', depthKeyNorm: 'none', norm: 'post' },
  'moda-chunk-visible, C=3': { depth: 'moda-chunk-visible', depthChunk: 3 },
  // Positions of 256 B: kernels write their results into the slots.
  'moda-chunk-visible, C=3, D=16': { depth: 'moda-chunk-visible', depthChunk: 3, headDim: 16 },
  'gpt2 block': {
    normKind: 'layer',
    activation: 'gelu',
    positions: 'learned',
    bias: true,
    qkNorm: 'none',
    tieEmbeddings: false,
  },
};

/** A small model of every mechanism and of every option of MoDA, for tests. */
export const smallConfigs: Readonly<Record<string, DecoderConfig>> = {
  ...Object.fromEntries(
    depthMechanisms.map((depth) => [
      depth,
      // Sinkhorn's iterations are many operators: two blocks and streams are enough to test them.
      defineDecoderConfig({
        ...base,
        depth,
        ...(depth === 'manifold-hyper-connections' && { nLayers: 2, hyperStreams: 2 }),
      }),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(variants).map(([name, variant]) => [name, defineDecoderConfig({ ...base, ...variant })]),
  ),
};
