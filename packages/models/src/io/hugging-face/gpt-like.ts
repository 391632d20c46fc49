import type { DecoderConfigInput } from '../../config/decoder-config.ts';
import { plainActivations } from './activation-names.ts';
import type { CheckedConfig } from './checked-config.ts';
import { biasFields } from './llama-like.ts';
import { familyFields } from './model-family.ts';
import { readRope } from './rope-fields.ts';

export function readGpt2(config: CheckedConfig): DecoderConfigInput {
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
    activation: config.choice('activation_function', plainActivations, 'gelu_new'),
    softmaxScale: config.flag('scale_attn_weights', true) ? null : 1,
    softmaxScaleByLayer: config.flag('scale_attn_by_inverse_layer_idx', false),
    tieEmbeddings: config.flag('tie_word_embeddings', true),
  };
}

export function readGptNeox(config: CheckedConfig): DecoderConfigInput {
  const dModel = config.count('hidden_size');
  const nHeads = config.count('num_attention_heads');
  const seqLen = config.count('max_position_embeddings');
  const rope = { theta: 10_000, headDim: dModel / nHeads, seqLen };
  return {
    ...familyFields('gpt_neox'),
    dModel,
    nHeads,
    seqLen,
    nLayers: config.count('num_hidden_layers'),
    dFf: config.count('intermediate_size'),
    vocabSize: config.count('vocab_size'),
    normEps: config.positive('layer_norm_eps', 1e-5),
    activation: config.choice('hidden_act', plainActivations, 'gelu'),
    parallelBlocks: config.flag('use_parallel_residual', true),
    tieEmbeddings: config.flag('tie_word_embeddings', false),
    ...biasFields(config.flag('attention_bias', true), true),
    ...readRope(config, { ...rope, thetaKey: 'rotary_emb_base', partKey: 'rotary_pct', part: 0.25 }),
  };
}
