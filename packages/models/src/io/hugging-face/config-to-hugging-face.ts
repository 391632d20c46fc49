import { unknownName } from '@modajs/tensor';
import type { DecoderConfig } from '../../config/decoder-config.ts';
import type { RopeScaling } from '../../config/rope-scaling.ts';
import { hasBias } from '../../parameters/block-specs.ts';
import { activationName } from './activation-names.ts';
import { familyArchitecture, familyOf, type ModelFamily } from './model-family.ts';

type JsonObject = Record<string, unknown>;

/**
 * A `config.json` for a configuration. Baselines get their family's own file, which `transformers` loads unchanged;
 * everything else becomes `model_type: "moda"` with the whole configuration under `moda_config`.
 */
export function configToHuggingFace(config: DecoderConfig): JsonObject {
  const family = familyOf(config);
  if (!family) {
    return { architectures: ['ModaForCausalLM'], model_type: 'moda', ...shared(config), moda_config: { ...config } };
  }
  return { architectures: [familyArchitecture(family)], model_type: family, ...familyJson(family, config) };
}

function shared(config: DecoderConfig): JsonObject {
  return {
    vocab_size: config.vocabSize,
    hidden_size: config.dModel,
    intermediate_size: config.dFf,
    num_hidden_layers: config.nLayers,
    num_attention_heads: config.nHeads,
    num_key_value_heads: config.nKvHeads,
    head_dim: config.headDim,
    hidden_act: activationName(config.activation),
    max_position_embeddings: config.seqLen,
    rms_norm_eps: config.normEps,
    rope_theta: config.ropeTheta,
    rope_scaling: scalingJson(config.ropeScaling),
    tie_word_embeddings: config.tieEmbeddings,
    attention_bias: hasBias(config, 'qkv'),
    mlp_bias: hasBias(config, 'ffn'),
  };
}

function scalingJson(scaling: RopeScaling | null): JsonObject | null {
  if (scaling === null) return null;
  const { kind: rope_type } = scaling;
  switch (rope_type) {
    case 'linear':
    case 'dynamic':
      return { rope_type, factor: scaling.factor };
    case 'llama3':
      return {
        rope_type,
        factor: scaling.factor,
        low_freq_factor: scaling.lowFrequencyFactor,
        high_freq_factor: scaling.highFrequencyFactor,
        original_max_position_embeddings: scaling.trainedLength,
      };
    case 'yarn':
      return {
        rope_type,
        factor: scaling.factor,
        attention_factor: scaling.attentionFactor,
        beta_fast: scaling.betaFast,
        beta_slow: scaling.betaSlow,
        truncate: scaling.isTruncated,
        original_max_position_embeddings: scaling.trainedLength,
      };
    case 'longrope':
      return {
        rope_type,
        short_factor: scaling.shortFactors,
        long_factor: scaling.longFactors,
        attention_factor: scaling.attentionFactor,
        original_max_position_embeddings: scaling.trainedLength,
      };
    default:
      return unknownName('ropeScaling.kind', rope_type);
  }
}

function familyJson(family: ModelFamily, config: DecoderConfig): JsonObject {
  const json = shared(config);
  const part = (config.rotaryDim ?? config.headDim) / config.headDim;
  switch (family) {
    case 'llama':
    case 'olmo2':
      return json;
    case 'qwen2':
    case 'qwen3': {
      const { attention_bias, mlp_bias: _, ...rest } = json;
      const window = {
        use_sliding_window: config.window !== null,
        sliding_window: config.window,
        ...layerTypes(config),
      };
      return { ...rest, ...(family === 'qwen3' ? { attention_bias } : {}), ...window };
    }
    case 'mistral': {
      const { attention_bias: _, mlp_bias: __, ...rest } = json;
      return { ...rest, sliding_window: config.window };
    }
    case 'smollm3': {
      const turns = Array.from({ length: config.nLayers }, (_, layer) => Number(!config.nopeLayers.includes(layer)));
      const window = {
        use_sliding_window: config.window !== null,
        sliding_window: config.window,
        ...layerTypes(config),
      };
      return { ...json, ...window, no_rope_layers: turns };
    }
    case 'granite':
      return {
        ...json,
        embedding_multiplier: config.embeddingScale,
        residual_multiplier: config.residualScale,
        attention_multiplier: config.softmaxScale,
        logits_scaling: rounded(1 / config.logitScale),
      };
    case 'phi3': {
      const { attention_bias: _, mlp_bias: __, head_dim: ___, ...rest } = json;
      const length = config.ropeScaling?.kind === 'longrope' ? config.ropeScaling.trainedLength : config.seqLen;
      return {
        ...rest,
        partial_rotary_factor: part,
        sliding_window: config.window,
        original_max_position_embeddings: length,
      };
    }
    case 'gemma': {
      const { mlp_bias: _, ...rest } = json;
      return rest;
    }
    case 'gemma2':
    case 'gemma3_text':
    case 'olmo3':
      return layeredJson(family, config, json);
    case 'gpt_neox': {
      const names = ['hidden_size', 'intermediate_size', 'num_hidden_layers', 'num_attention_heads', 'hidden_act'];
      const kept = [...names, 'vocab_size', 'max_position_embeddings', 'attention_bias', 'tie_word_embeddings'];
      return {
        ...Object.fromEntries(kept.map((name) => [name, json[name]])),
        layer_norm_eps: config.normEps,
        use_parallel_residual: config.parallelBlocks,
        rotary_pct: part,
        rotary_emb_base: config.ropeTheta,
        rope_scaling: json['rope_scaling'],
      };
    }
    case 'gpt2':
      return gpt2(config);
    default:
      return unknownName('model family', family);
  }
}

/** Without the last digit, where a reciprocal leaves its rounding. */
function rounded(x: number): number {
  return Number(x.toPrecision(15));
}

function layerTypes({ nLayers, localLayers }: DecoderConfig): JsonObject {
  const type = (layer: number): string => (localLayers.includes(layer) ? 'sliding_attention' : 'full_attention');
  return { layer_types: Array.from({ length: nLayers }, (_, layer) => type(layer)) };
}

/** Families whose layers are local or global. */
function layeredJson(family: 'gemma2' | 'gemma3_text' | 'olmo3', config: DecoderConfig, json: JsonObject): JsonObject {
  const { mlp_bias: _, hidden_act, rope_theta, rope_scaling, ...rest } = json;
  const window = { sliding_window: config.window ?? 4096, ...layerTypes(config) };
  const both = {
    full_attention: { rope_type: 'default', ...(rope_scaling as JsonObject | null), rope_theta },
    sliding_attention: { rope_type: 'default', rope_theta: config.localRopeTheta ?? rope_theta },
  };
  if (family === 'olmo3') return { ...rest, ...window, hidden_act, rope_parameters: both };
  const ofGemma = {
    hidden_activation: hidden_act,
    query_pre_attn_scalar: rounded(config.softmaxScale! ** -2),
    final_logit_softcapping: config.logitSoftcap,
  };
  if (family === 'gemma3_text') return { ...rest, ...window, ...ofGemma, rope_parameters: both };
  return { ...rest, ...window, ...ofGemma, rope_theta, rope_scaling, attn_logit_softcapping: config.attentionSoftcap };
}

function gpt2(config: DecoderConfig): JsonObject {
  return {
    activation_function: activationName(config.activation),
    vocab_size: config.vocabSize,
    n_positions: config.seqLen,
    n_ctx: config.seqLen,
    n_embd: config.dModel,
    n_layer: config.nLayers,
    n_head: config.nHeads,
    n_inner: config.dFf,
    layer_norm_epsilon: config.normEps,
    scale_attn_weights: config.softmaxScale === null,
    scale_attn_by_inverse_layer_idx: config.softmaxScaleByLayer,
    tie_word_embeddings: config.tieEmbeddings,
  };
}
