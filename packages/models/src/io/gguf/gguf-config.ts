import { CheckpointError, shown } from '@modajs/tensor';
import type { DecoderConfig } from '../../config/decoder-config.ts';
import { CheckedConfig, type Json } from '../hugging-face/checked-config.ts';
import { configFromHuggingFace } from '../hugging-face/hugging-face-config.ts';
import { type GgufArchitecture, ggufArchitectures } from './gguf-names.ts';
import type { GgufMetadataValue } from './metadata-value.ts';
import type { GgufTensorInfo } from './read-gguf-header.ts';

/** What the configuration is taken from. */
export interface GgufFacts {
  /** For errors. */
  readonly file: string;
  readonly metadata: ReadonlyMap<string, GgufMetadataValue>;
  readonly tensors: ReadonlyMap<string, GgufTensorInfo>;
  /** Numbers of `rope_freqs.weight`, by which RoPE's frequencies are divided; null when there is none. */
  readonly ropeFactors: ArrayLike<number> | null;
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
  const isGpt2 = modelType === 'gpt2';
  const eps = shortest(config.positive(key(`attention.layer_norm_${isGpt2 ? 'epsilon' : 'rms_epsilon'}`), 1e-5));
  const sizes = {
    nHeads,
    dModel,
    nLayers: layerCount(file, count('block_count'), tensors.size),
    dFf: count('feed_forward_length'),
    seqLen: count('context_length'),
    vocabSize: tensors.get('token_embd.weight')?.shape[0] ?? count('vocab_size'),
  };
  if (isGpt2) {
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
  const bias = tensors.has('blk.0.attn_output.bias');
  const json = {
    model_type: modelType,
    hidden_act: 'silu',
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
    sliding_window: config.has(key('attention.sliding_window')) ? count('attention.sliding_window') : null,
    rope_theta: config.positive(key('rope.freq_base'), 10_000),
    rope_scaling: ropeScaling(config, key, facts, headDim),
    ...familyKeys(config, key, modelType, headDim),
  };
  config.finish();
  return json;
}

/** What only some families have. */
function familyKeys(config: CheckedConfig, key: (rest: string) => string, modelType: string, headDim: number): Json {
  const number = (rest: string, fallback: number) => shortest(config.positive(key(rest), fallback));
  if (modelType !== 'granite') return {};
  return {
    embedding_multiplier: number('embedding_scale', 1),
    residual_multiplier: number('residual_scale', 1),
    attention_multiplier: number('attention.scale', headDim ** -0.5),
    logits_scaling: number('logit_scale', 1),
  };
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
): Json | null {
  config.mustBe(key('rope.dimension_count'), headDim);
  const type = facts.metadata.get(key('rope.scaling.type')) ?? 'none';
  config.mustBe(key('rope.scaling.type'), 'none', 'linear', 'yarn');
  const number = (rest: string) => shortest(config.positive(key(`rope.scaling.${rest}`), 1));
  const optional = (rest: string) => (config.has(key(`rope.scaling.${rest}`)) ? number(rest) : undefined);
  const llama3 = facts.ropeFactors ? llama3Scaling(facts, facts.ropeFactors, key, headDim) : null;
  if (type === 'none') {
    config.mustBe(key('rope.scaling.factor'), 1);
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
