import { CheckpointError, ConfigError, shown } from '@modajs/tensor';
import type { DecoderConfig, DecoderConfigInput } from '../../config/decoder-config.ts';
import { defineDecoderConfig } from '../../config/define-decoder-config.ts';
import { CheckedConfig, type Json } from './checked-config.ts';
import { familyFields } from './model-family.ts';

const families: readonly string[] = ['olmo2', 'llama', 'qwen3', 'gpt2', 'moda'];

/**
 * The decoder configuration of a Hugging Face `config.json`: `model_type` olmo2, llama, qwen3, gpt2, or our own `moda`.
 * Every key is applied, refused, or on the list of those that change nothing (`harmlessKeys`); an absent key has the
 * default that `transformers` gives it.
 *
 * @throws CheckpointError for another architecture, a missing key, a value of the wrong kind, or a feature that is not
 *   supported (named)
 * Reference: transformers, `configuration_{llama,olmo2,qwen3,gpt2}.py`.
 */
export function configFromHuggingFace(json: Json): DecoderConfig {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new CheckpointError('config.json: the file must hold an object. Download it again.');
  }
  const type = json['model_type'];
  if (typeof type !== 'string' || !families.includes(type)) {
    throw new CheckpointError(
      `config.json: model_type must be one of ${families.join(', ')}, got ${shown(type)}. Convert the model first.`,
      { key: 'model_type', value: type },
    );
  }
  if (type === 'moda') return fromModa(json);
  const config = new CheckedConfig(json);
  refuseEverywhere(config);
  const fields = type === 'gpt2' ? gpt2Fields(config) : ropeFields(config, type as 'llama' | 'olmo2' | 'qwen3');
  config.finish();
  return define(fields);
}

/** Our own files hold the whole configuration under one key; the others are there for people. */
function fromModa(json: Json): DecoderConfig {
  const own = json['moda_config'];
  if (typeof own !== 'object' || own === null || Array.isArray(own)) {
    throw new CheckpointError('config.json: moda_config must be an object. Is the file complete?', {
      key: 'moda_config',
    });
  }
  return define(own as DecoderConfigInput);
}

/** Sizes that contradict one another are the file's fault. */
function define(fields: DecoderConfigInput): DecoderConfig {
  try {
    return defineDecoderConfig(fields);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CheckpointError(`config.json: ${error.message}`, {}, { cause: error });
  }
}

/** Features of any family that would change the computation. */
function refuseEverywhere(config: CheckedConfig): void {
  for (const key of ['is_encoder_decoder', 'add_cross_attention']) config.mustBe(key, false);
  config.ignore('is_decoder');
  config.mustBeEmpty('pruned_heads');
  for (const key of ['quantization_config', 'compression_config', 'sparse_attention', 'auto_map'])
    config.mustBeEmpty(key);
}

function ropeFields(config: CheckedConfig, family: 'llama' | 'olmo2' | 'qwen3'): DecoderConfigInput {
  config.mustBe('hidden_act', 'silu', 'swish');
  const nHeads = config.count('num_attention_heads');
  const dModel = config.count('hidden_size');
  const isQwen = family === 'qwen3';
  const bias = config.flag('attention_bias', false);
  config.mustBe('mlp_bias', family === 'llama' && bias);
  if (family !== 'llama') config.mustBe('attention_bias', false);
  if (isQwen) {
    // Qwen 3's window needs `use_sliding_window`; the other two keys say where it would apply.
    config.mustBe('use_sliding_window', false);
    config.ignore('sliding_window', 'max_window_layers');
  } else {
    for (const key of ['sliding_window', 'use_sliding_window']) config.mustBe(key, false);
  }
  fullAttention(config);
  return {
    ...familyFields(family),
    nHeads,
    dModel,
    nLayers: config.count('num_hidden_layers'),
    nKvHeads: config.count('num_key_value_heads', nHeads),
    headDim: config.has('head_dim') || isQwen ? config.count('head_dim', 128) : dModel / nHeads,
    dFf: config.count('intermediate_size'),
    vocabSize: config.count('vocab_size'),
    seqLen: config.count('max_position_embeddings'),
    normEps: config.positive('rms_norm_eps', family === 'olmo2' ? 1e-5 : 1e-6),
    ropeTheta: ropeTheta(config),
    tieEmbeddings: config.flag('tie_word_embeddings', false),
    bias,
  };
}

/** `layer_types` lists the attention of each layer; only full attention is supported. */
function fullAttention(config: CheckedConfig): void {
  const types = config.list('layer_types');
  const other = types.find((type) => type !== 'full_attention');
  if (other === undefined) return;
  throw new CheckpointError(
    `config.json: layer_types must be full_attention in every layer, got ${shown(other)}. This variant is not supported.`,
    { key: 'layer_types', value: other },
  );
}

function gpt2Fields(config: CheckedConfig): DecoderConfigInput {
  // The three names of one formula: the tanh approximation.
  config.mustBe('activation_function', 'gelu_new', 'gelu_pytorch_tanh', 'gelu_fast');
  config.mustBe('scale_attn_by_inverse_layer_idx', false);
  const dModel = config.count('n_embd');
  const seqLen = config.count('n_positions');
  config.mustBe('n_ctx', seqLen);
  return {
    ...familyFields('gpt2'),
    dModel,
    seqLen,
    nLayers: config.count('n_layer'),
    nHeads: config.count('n_head'),
    dFf: config.count('n_inner', 4 * dModel),
    vocabSize: config.count('vocab_size'),
    normEps: config.positive('layer_norm_epsilon', 1e-5),
    softmaxScale: config.flag('scale_attn_weights', true) ? null : 1,
    tieEmbeddings: config.flag('tie_word_embeddings', true),
  };
}

/**
 * Older files keep `rope_theta` at the top and scaling in `rope_scaling`, newer ones both in `rope_parameters`; some have
 * all three. They must agree, and nothing but the plain rotation is supported.
 */
function ropeTheta(config: CheckedConfig): number {
  const places = [config, config.mapping('rope_parameters'), config.mapping('rope_scaling')];
  const values: number[] = [];
  for (const place of places) {
    if (!place) continue;
    place.mustBe('partial_rotary_factor', 1);
    if (place.has('rope_theta')) values.push(place.positive('rope_theta', 1));
    if (place === config) continue;
    for (const key of ['rope_type', 'type']) place.mustBe(key, 'default');
    place.finish();
  }
  const [theta = 10_000] = values;
  if (values.every((value) => value === theta)) return theta;
  throw new CheckpointError(
    `config.json: rope_theta must be one number, got ${values.join(' and ')} in different places. Keep the right one.`,
    { key: 'rope_theta', value: values },
  );
}
