import { CheckpointError, shown } from '@modajs/tensor';
import type { DecoderConfig } from '../../config/decoder-config.ts';
import { CheckedConfig, type Json } from '../hugging-face/checked-config.ts';
import { configFromHuggingFace } from '../hugging-face/hugging-face-config.ts';
import type { ModelFamily } from '../hugging-face/model-family.ts';
import { type GgufArchitecture, ggufArchitectures } from './gguf-names.ts';
import type { GgufMetadataValue } from './metadata-value.ts';
import type { GgufTensorInfo } from './read-gguf-header.ts';

/** What the configuration is taken from. */
export interface GgufFacts {
  /** For errors. */
  readonly file: string;
  readonly metadata: ReadonlyMap<string, GgufMetadataValue>;
  readonly tensors: ReadonlyMap<string, Pick<GgufTensorInfo, 'shape'>>;
  /** Numbers of `rope_freqs.weight`, by which RoPE's frequencies are divided; null when there is none. */
  readonly ropeFactors: ArrayLike<number> | null;
  /** Numbers of `rope_factors_short.weight` and `rope_factors_long.weight` (Phi 3); null where there are none. */
  readonly longRope: { readonly short: ArrayLike<number> | null; readonly long: ArrayLike<number> | null };
  /** The output matrix is the embedding. */
  readonly tieEmbeddings: boolean;
}

/** The architecture that a file names. @throws CheckpointError for one that is not read */
export function ggufArchitecture(
  file: string,
  metadata: GgufFacts['metadata'],
): GgufArchitecture & { readonly name: string } {
  const name = metadata.get('general.architecture');
  if (typeof name === 'string' && Object.hasOwn(ggufArchitectures, name)) return { name, ...ggufArchitectures[name] };
  throw new CheckpointError(
    `${file}: general.architecture must be one of ${Object.keys(ggufArchitectures).join(', ')}, got ${shown(name)}. Use a model of one of them.`,
    { file, key: 'general.architecture', value: name },
  );
}

/**
 * The decoder configuration of a GGUF file: its keys become those of the same model's `config.json`, which one place reads
 * (`configFromHuggingFace`). Every key of the architecture is applied, refused or known to change nothing.
 *
 * @throws CheckpointError with file and key
 * Reference: llama.cpp, `llama-arch.cpp`, `llama-model.cpp`.
 */
export function configFromGguf(facts: GgufFacts): DecoderConfig {
  const { file } = facts;
  const architecture = ggufArchitecture(file, facts.metadata);
  const json = huggingFaceConfig(facts, architecture);
  try {
    return configFromHuggingFace(json);
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    const message = `${file}: in the words of its config.json, ${error.message.replace(/^config\.json: /, '')}`;
    throw new CheckpointError(message, { ...error.details, file }, { cause: error });
  }
}

function huggingFaceConfig(facts: GgufFacts, { name, modelType }: GgufArchitecture & { readonly name: string }): Json {
  const { file, metadata, tensors } = facts;
  const own = [...metadata].filter(([key]) => key.startsWith(`${name}.`) || key.startsWith('split.'));
  const config = new CheckedConfig(Object.fromEntries(own.map(([key, value]) => [key, sameInAllLayers(value)])), file);
  const key = (rest: string) => `${name}.${rest}`;
  const count = (rest: string, fallback?: number) => config.count(key(rest), fallback);
  refuseOthers(config, name);
  const nHeads = count('attention.head_count');
  const dModel = count('embedding_length');
  const headDim = count('attention.key_length', dModel / nHeads);
  config.mustBe(key('attention.value_length'), headDim);
  const hasLayerNorm = modelType === 'gpt2' || modelType === 'gpt_neox';
  const eps = shortest(config.positive(key(`attention.layer_norm_${hasLayerNorm ? 'epsilon' : 'rms_epsilon'}`), 1e-5));
  const sizes = {
    nHeads,
    dModel,
    nLayers: layerCount(file, count('block_count'), tensors.size),
    dFf: count('feed_forward_length'),
    seqLen: count('context_length'),
    vocabSize: tensors.get('token_embd.weight')?.shape[0] ?? count('vocab_size'),
  };
  if (modelType === 'gpt2') {
    // llama.cpp's converter writes what GPT-2 has: as many heads of keys as of queries, and no rotation.
    config.mustBe(key('attention.head_count_kv'), nHeads);
    config.ignore(key('rope.dimension_count'), key('rope.freq_base'));
    config.finish();
    return {
      model_type: 'gpt2',
      n_embd: dModel,
      n_head: nHeads,
      n_layer: sizes.nLayers,
      n_inner: sizes.dFf,
      n_positions: sizes.seqLen,
      vocab_size: sizes.vocabSize,
      layer_norm_epsilon: eps,
      tie_word_embeddings: facts.tieEmbeddings,
    };
  }
  const rope = {
    rope_theta: config.positive(key('rope.freq_base'), 10_000),
    rope_scaling: ropeScaling(config, key, facts, headDim, modelType),
  };
  const part = rotatedPart(config, key, headDim, modelType);
  if (modelType === 'gpt_neox') {
    config.mustBe(key('attention.head_count_kv'), nHeads);
    const isParallel = config.flag(key('use_parallel_residual'), true);
    config.finish();
    return {
      model_type: modelType,
      // The file does not say which GELU: that of the published models. llama.cpp takes the tanh approximation.
      hidden_act: 'gelu',
      hidden_size: dModel,
      intermediate_size: sizes.dFf,
      num_hidden_layers: sizes.nLayers,
      num_attention_heads: nHeads,
      vocab_size: sizes.vocabSize,
      max_position_embeddings: sizes.seqLen,
      layer_norm_eps: eps,
      tie_word_embeddings: facts.tieEmbeddings,
      attention_bias: tensors.has('blk.0.attn_qkv.bias'),
      use_parallel_residual: isParallel,
      rotary_pct: part,
      ...rope,
    };
  }
  const bias = tensors.has('blk.0.attn_output.bias');
  const json = {
    model_type: modelType,
    hidden_act: modelType.startsWith('gemma') ? 'gelu_pytorch_tanh' : 'silu',
    hidden_size: dModel,
    intermediate_size: sizes.dFf,
    num_hidden_layers: sizes.nLayers,
    num_attention_heads: nHeads,
    num_key_value_heads: count('attention.head_count_kv', nHeads),
    head_dim: headDim,
    vocab_size: sizes.vocabSize,
    max_position_embeddings: sizes.seqLen,
    rms_norm_eps: eps,
    tie_word_embeddings: facts.tieEmbeddings,
    attention_bias: bias,
    mlp_bias: tensors.has('blk.0.ffn_down.bias'),
    sliding_window:
      (config.has(key('attention.sliding_window')) && config.whole(key('attention.sliding_window'))) || null,
    ...rope,
    ...familyKeys(config, key, modelType, { ...sizes, headDim, part }),
  };
  config.finish();
  return json;
}

/** Sizes that keys of some families depend on. */
interface Sizes {
  readonly nLayers: number;
  readonly nHeads: number;
  readonly dModel: number;
  readonly headDim: number;
  /** Of a head, that turns. */
  readonly part: number;
}

/** What only some families have, in the words of their `config.json`. What llama.cpp has in its code stands here as a number. */
function familyKeys(config: CheckedConfig, key: (rest: string) => string, modelType: ModelFamily, sizes: Sizes): Json {
  const number = (rest: string, fallback: number) => shortest(config.positive(key(rest), fallback));
  const { nLayers, headDim } = sizes;
  switch (modelType) {
    case 'granite':
      return {
        embedding_multiplier: number('embedding_scale', 1),
        residual_multiplier: number('residual_scale', 1),
        attention_multiplier: number('attention.scale', headDim ** -0.5),
        logits_scaling: number('logit_scale', 1),
      };
    case 'smollm3':
      return { no_rope_layer_interval: 4 };
    case 'phi3':
      return {
        partial_rotary_factor: sizes.part,
        original_max_position_embeddings: config.has(key('rope.scaling.original_context_length'))
          ? config.count(key('rope.scaling.original_context_length'))
          : null,
      };
    case 'gemma2':
      return {
        hidden_activation: 'gelu_pytorch_tanh',
        query_pre_attn_scalar: queryScalar(sizes, 46),
        attn_logit_softcapping: number('attn_logit_softcapping', 50),
        final_logit_softcapping: number('final_logit_softcapping', 30),
        ...(config.has(key('attention.sliding_window')) ? {} : { sliding_window: 4096 }),
      };
    case 'gemma3_text': {
      const hasWindow =
        config.has(key('attention.sliding_window')) && config.whole(key('attention.sliding_window')) > 0;
      return {
        hidden_activation: 'gelu_pytorch_tanh',
        query_pre_attn_scalar: queryScalar(sizes, 62),
        final_logit_softcapping: config.has(key('final_logit_softcapping'))
          ? number('final_logit_softcapping', 1)
          : null,
        sliding_window_pattern: config.count(key('attention.sliding_window_pattern'), 6),
        rope_local_base_freq: config.positive(key('rope.freq_base_swa'), 10_000),
        ...(hasWindow ? {} : { layer_types: Array(nLayers).fill('full_attention') }),
      };
    }
    default:
      return {};
  }
}

/** What queries are divided by the root of: of Gemma's 27B, known by its blocks, the width of an equal share, else a head's. */
function queryScalar({ nLayers, nHeads, dModel, headDim }: Sizes, blocksOf27B: number): number {
  return nLayers === blocksOf27B ? dModel / nHeads : headDim;
}

/** The part of a head that turns. @throws CheckpointError for less than all of it where the family turns whole heads */
function rotatedPart(
  config: CheckedConfig,
  key: (rest: string) => string,
  headDim: number,
  modelType: ModelFamily,
): number {
  if (modelType !== 'phi3' && modelType !== 'gpt_neox') {
    config.mustBe(key('rope.dimension_count'), headDim);
    return 1;
  }
  return config.count(key('rope.dimension_count'), headDim) / headDim;
}

/** Blocks, before anything is made for each of them. @throws CheckpointError for more than there are tensors */
function layerCount(file: string, nLayers: number, nTensors: number): number {
  if (nLayers <= nTensors) return nLayers;
  throw new CheckpointError(
    `${file}: block_count must be at most the number of tensors, got ${nLayers} for ${nTensors}. Is it a part of a split model?`,
    { file, key: 'block_count' },
  );
}

/** Keys of any architecture that would change the computation, and those that change nothing. */
function refuseOthers(config: CheckedConfig, name: string): void {
  config.mustBe('split.count', 1, 0);
  config.ignore('split.no', 'split.tensors.count');
  config.mustBe(`${name}.attention.causal`, true);
  for (const key of [
    'expert_count',
    'expert_used_count',
    'attention.max_alibi_bias',
    'attention.clamp_kqv',
    'pooling_type',
  ])
    config.mustBe(`${name}.${key}`, 0);
  config.mustBe(`${name}.rope.scale_linear`, 1);
  // Rows of the embedding say how large the vocabulary is; the others are notes of the converter.
  config.ignore(`${name}.vocab_size`, `${name}.tensor_data_layout`, `${name}.rope.scaling.finetuned`);
}

/** RoPE's scaling as `rope_scaling` of a `config.json` has it. */
function ropeScaling(
  config: CheckedConfig,
  key: (rest: string) => string,
  facts: GgufFacts,
  headDim: number,
  modelType: ModelFamily,
): Json | null {
  const isLong = modelType === 'phi3' && (facts.longRope.short !== null || facts.longRope.long !== null);
  const type = facts.metadata.get(key('rope.scaling.type')) ?? 'none';
  config.mustBe(key('rope.scaling.type'), ...(isLong ? ['none', 'longrope'] : ['none', 'linear', 'yarn']));
  const number = (rest: string) => shortest(config.positive(key(`rope.scaling.${rest}`), 1));
  const optional = (rest: string) => (config.has(key(`rope.scaling.${rest}`)) ? number(rest) : undefined);
  if (isLong) {
    config.mustBe(key('rope.scaling.factor'), 1);
    return {
      rope_type: 'longrope',
      short_factor: Array.from(facts.longRope.short ?? [], shortest),
      long_factor: Array.from(facts.longRope.long ?? [], shortest),
      attention_factor: number('attn_factor'),
    };
  }
  const llama3 = facts.ropeFactors ? llama3Scaling(facts, facts.ropeFactors, key, headDim) : null;
  if (type === 'none') {
    config.mustBe(key('rope.scaling.factor'), 1);
    config.mustBe(key('rope.scaling.attn_factor'), 1);
    config.ignore(key('rope.scaling.original_context_length'));
    return llama3;
  }
  if (llama3) {
    const message = `${facts.file}: rope_freqs.weight and ${key('rope.scaling.type')} must not be there together, got ${shown(type)}. This variant is not supported.`;
    throw new CheckpointError(message, { file: facts.file, key: key('rope.scaling.type') });
  }
  if (type === 'linear') {
    config.ignore(key('rope.scaling.original_context_length'));
    return { rope_type: 'linear', factor: number('factor') };
  }
  const yarn = {
    attention_factor: optional('attn_factor'),
    beta_fast: optional('yarn_beta_fast'),
    beta_slow: optional('yarn_beta_slow'),
  };
  return {
    rope_type: 'yarn',
    factor: number('factor'),
    original_max_position_embeddings: config.count(key('rope.scaling.original_context_length')),
    ...Object.fromEntries(Object.entries(yarn).filter(([, value]) => value !== undefined)),
  };
}

/**
 * Llama 3's scaling from the divisors that the converter made of it. The file keeps no parameters, so those of the published
 * models are tried: low and high frequency factors 1 and 4 of 8,192 positions.
 *
 * @throws CheckpointError for divisors that no such parameters give
 */
function llama3Scaling(
  { file, metadata }: GgufFacts,
  divisors: ArrayLike<number>,
  key: (rest: string) => string,
  headDim: number,
): Json {
  const theta = Number(metadata.get(key('rope.freq_base')) ?? 10_000);
  const factor = shortest(Array.from(divisors).reduce((most, one) => Math.max(most, one), 1));
  const [low, high, length] = [1, 4, 8192];
  const expected = Array.from({ length: headDim / 2 }, (_, i) => {
    const wavelength = 2 * Math.PI * theta ** ((2 * i) / headDim);
    if (wavelength < length / high) return 1;
    if (wavelength > length / low) return factor;
    const smooth = (length / wavelength - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
  if (
    divisors.length === expected.length &&
    expected.every((value, i) => Math.abs(value - divisors[i]) <= 1e-4 * value)
  ) {
    return {
      rope_type: 'llama3',
      factor,
      low_freq_factor: low,
      high_freq_factor: high,
      original_max_position_embeddings: length,
    };
  }
  throw new CheckpointError(
    `${file}: rope_freqs.weight must hold the divisors of Llama 3.1's scaling (1 and 4 of 8192 positions), got others. Read the model from its Hugging Face files.`,
    { file, key: 'rope_freqs.weight' },
  );
}

/** A value that a file gives layer by layer, when it is the same in all. */
function sameInAllLayers(value: GgufMetadataValue): unknown {
  if (typeof value !== 'object') return value;
  const list: readonly unknown[] = Array.from(value as ArrayLike<unknown>);
  return list.length > 0 && list.every((one) => one === list[0]) ? list[0] : list;
}

/** The shortest decimal number that is this one in f32: 1e-5 for what f32 makes of it. */
function shortest(value: number): number {
  for (let digits = 1; digits < 10; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === Math.fround(value)) return short;
  }
  return value;
}
