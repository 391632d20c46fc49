import type { DecoderConfig } from '../../config/decoder-config.ts';
import type { GgufTensor, GgufValue } from './gguf-file.ts';

const u32 = (value: number): GgufValue => ({ type: 'u32', value });
const f32 = (value: number): GgufValue => ({ type: 'f32', value });
const text = (value: string): GgufValue => ({ type: 'string', value });

/**
 * The keys of a model in a GGUF file, below its architecture's name, as llama.cpp's converter writes them. They may say less than
 * the configuration: read them again and compare (`requireSaid`).
 */
export function ggufKeys(architecture: string, config: DecoderConfig): Record<string, GgufValue> {
  const keys: Record<string, GgufValue> = {
    context_length: u32(config.seqLen),
    embedding_length: u32(config.dModel),
    block_count: u32(config.nLayers),
    feed_forward_length: u32(config.dFf),
    'attention.head_count': u32(config.nHeads),
    'attention.head_count_kv': u32(config.nKvHeads),
    'attention.key_length': u32(config.headDim),
    'attention.value_length': u32(config.headDim),
    [`attention.layer_norm_${config.normKind === 'layer' ? 'epsilon' : 'rms_epsilon'}`]: f32(config.normEps),
    vocab_size: u32(config.vocabSize),
    ...ropeKeys(config),
    ...ownKeys(architecture, config),
  };
  return Object.fromEntries(Object.entries(keys).map(([key, value]) => [`${architecture}.${key}`, value]));
}

function ropeKeys({ positions, headDim, rotaryDim, ropeTheta, ropeScaling }: DecoderConfig): Record<string, GgufValue> {
  if (positions === 'learned') return {};
  const keys = { 'rope.dimension_count': u32(rotaryDim ?? headDim), 'rope.freq_base': f32(ropeTheta) };
  switch (ropeScaling?.kind) {
    case 'linear':
      return { ...keys, 'rope.scaling.type': text('linear'), 'rope.scaling.factor': f32(ropeScaling.factor) };
    case 'longrope':
      return { ...keys, 'rope.scaling.attn_factor': f32(ropeScaling.attentionFactor) };
    default:
      return keys;
  }
}

/** Keys that only some architectures have. */
function ownKeys(architecture: string, config: DecoderConfig): Record<string, GgufValue> {
  const window: Record<string, GgufValue> =
    config.window === null ? {} : { 'attention.sliding_window': u32(config.window) };
  switch (architecture) {
    case 'granite':
      return {
        embedding_scale: f32(config.embeddingScale),
        residual_scale: f32(config.residualScale),
        'attention.scale': f32(config.softmaxScale ?? config.headDim ** -0.5),
        logit_scale: f32(1 / config.logitScale),
      };
    case 'phi3': {
      const { ropeScaling, seqLen } = config;
      const trained = ropeScaling?.kind === 'longrope' ? ropeScaling.trainedLength : seqLen;
      return {
        'rope.scaling.original_context_length': u32(trained),
        'attention.sliding_window': u32(config.window ?? 0),
      };
    }
    case 'gemma2':
      return {
        ...window,
        attn_logit_softcapping: f32(config.attentionSoftcap ?? 0),
        final_logit_softcapping: f32(config.logitSoftcap ?? 0),
      };
    case 'gemma3':
      return {
        ...window,
        ...(config.logitSoftcap === null ? {} : { final_logit_softcapping: f32(config.logitSoftcap) }),
        ...(config.localRopeTheta === null ? {} : { 'rope.freq_base_swa': f32(config.localRopeTheta) }),
      };
    case 'gptneox':
      return { use_parallel_residual: { type: 'bool', value: config.parallelBlocks } };
    default:
      return {};
  }
}

/** Tensors that say how RoPE turns: Phi 3's divisors of each frequency. */
export function ropeTensors({ ropeScaling }: DecoderConfig): ReadonlyMap<string, GgufTensor> {
  if (ropeScaling?.kind !== 'longrope') return new Map();
  const vector = (data: readonly number[]): GgufTensor => ({ shape: [data.length], data });
  return new Map([
    ['rope_factors_long.weight', vector(ropeScaling.longFactors)],
    ['rope_factors_short.weight', vector(ropeScaling.shortFactors)],
  ]);
}
