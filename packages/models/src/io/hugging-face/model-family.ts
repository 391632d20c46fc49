import type { DecoderConfig } from '../../config/decoder-config.ts';

/** Baseline architectures that other libraries know by name. */
export type ModelFamily = 'olmo2' | 'llama' | 'qwen3' | 'gpt2';

const rms = {
  normKind: 'rms',
  activation: 'swiglu',
  positions: 'rope',
  ropeInterleaved: false,
  softmaxScale: null,
  depth: 'residual',
} as const satisfies Partial<DecoderConfig>;

const fields = {
  olmo2: { ...rms, norm: 'reordered', qkNorm: 'full', bias: false },
  llama: { ...rms, norm: 'pre', qkNorm: 'none' },
  qwen3: { ...rms, norm: 'pre', qkNorm: 'head' },
  gpt2: {
    ...rms,
    norm: 'pre',
    normKind: 'layer',
    activation: 'gelu',
    positions: 'learned',
    qkNorm: 'none',
    bias: true,
  },
} as const satisfies Record<ModelFamily, Partial<DecoderConfig>>;

/** The fields that a family fixes. */
export function familyFields(family: ModelFamily): Partial<DecoderConfig> {
  return fields[family];
}

/** What a family's own file has no words for, so that a model with it is none of the family. */
function canSay(family: ModelFamily, { nHeads, nKvHeads, headDim, dModel, bias }: DecoderConfig): boolean {
  if (family === 'gpt2') return nKvHeads === nHeads && nHeads * headDim === dModel;
  // Qwen 3 can have biases in attention but not in its FFN; here they are everywhere or nowhere.
  return family !== 'qwen3' || !bias;
}

/** The family whose fields a configuration has, or null: then only this library can load it. */
export function familyOf(config: DecoderConfig): ModelFamily | null {
  // Interleaved RoPE is a matter of how rows of two matrices are ordered, not of the architecture.
  const comparable: DecoderConfig = { ...config, ropeInterleaved: false };
  const matches = (family: ModelFamily): boolean =>
    Object.entries(fields[family]).every(([key, value]) => comparable[key as keyof DecoderConfig] === value) &&
    canSay(family, config);
  return (Object.keys(fields) as ModelFamily[]).find(matches) ?? null;
}
