import type { DecoderConfigInput } from '../../config/decoder-config.ts';
import { gatedActivations } from './activation-names.ts';
import type { CheckedConfig } from './checked-config.ts';
import { fullAttention, oneWindow, switchedWindow, windowByLayer } from './layer-fields.ts';
import { familyFields, type ModelFamily } from './model-family.ts';
import { readRope, readTwoRopes } from './rope-fields.ts';

/** Defaults in which families of Llama's form differ. */
interface Defaults {
  readonly eps?: number;
  /** Key/value heads of a file without the key; a null one has as many as query heads. */
  readonly nKvHeads?: number;
  readonly headDim?: number;
  readonly isTied?: boolean;
  readonly activationKey?: string;
  readonly activation?: string;
  /** Which maps the file can give biases. */
  readonly biases: 'none' | 'attention' | 'attention and mlp';
}

/** Sizes and switches that all of them have. */
function shared(config: CheckedConfig, family: ModelFamily, defaults: Defaults) {
  const { eps = 1e-6, isTied = false, activationKey = 'hidden_act', activation = 'silu', biases } = defaults;
  const nHeads = config.count('num_attention_heads');
  const dModel = config.count('hidden_size');
  const headDim =
    config.has('head_dim') || defaults.headDim ? config.count('head_dim', defaults.headDim) : dModel / nHeads;
  return {
    ...familyFields(family),
    nHeads,
    dModel,
    headDim,
    nLayers: config.count('num_hidden_layers'),
    nKvHeads: config.countOrNull('num_key_value_heads', defaults.nKvHeads ?? nHeads) ?? nHeads,
    dFf: config.count('intermediate_size'),
    vocabSize: config.count('vocab_size'),
    seqLen: config.count('max_position_embeddings'),
    normEps: config.positive('rms_norm_eps', eps),
    tieEmbeddings: config.flag('tie_word_embeddings', isTied),
    activation: config.choice(activationKey, gatedActivations, activation),
    ...readBiases(config, biases),
  };
}

function readBiases(config: CheckedConfig, biases: Defaults['biases']): Pick<DecoderConfigInput, 'bias' | 'biasMaps'> {
  if (biases === 'none') config.mustBe('attention_bias', false);
  if (biases !== 'attention and mlp') config.mustBe('mlp_bias', false);
  return biasFields(config.flag('attention_bias', false), config.flag('mlp_bias', false));
}

/** Biases of the attention and of the FFN. */
export function biasFields(attention: boolean, ffn: boolean): Pick<DecoderConfigInput, 'bias' | 'biasMaps'> {
  if (attention === ffn) return { bias: attention };
  return { bias: true, biasMaps: attention ? 'attention' : 'ffn' };
}

export function readLlama(config: CheckedConfig): DecoderConfigInput {
  const fields = shared(config, 'llama', { biases: 'attention and mlp' });
  return { ...fields, ...readRope(config, { ...fields, theta: 10_000 }), ...fullAttention(config, fields.nLayers) };
}

export function readMistral(config: CheckedConfig): DecoderConfigInput {
  const fields = shared(config, 'mistral', { biases: 'none', nKvHeads: 8 });
  return { ...fields, ...readRope(config, { ...fields, theta: 10_000 }), ...oneWindow(config, fields.nLayers, 4096) };
}

export function readQwen2(config: CheckedConfig): DecoderConfigInput {
  const fields = shared(config, 'qwen2', { biases: 'none', nKvHeads: 32 });
  return { ...fields, bias: true, biasMaps: 'qkv', ...qwenLayers(config, fields) };
}

export function readQwen3(config: CheckedConfig): DecoderConfigInput {
  const fields = shared(config, 'qwen3', { biases: 'attention', nKvHeads: 32, headDim: 128 });
  return { ...fields, ...qwenLayers(config, fields) };
}

/** The first `max_window_layers` layers see everything. */
function qwenLayers(config: CheckedConfig, fields: { nLayers: number; headDim: number; seqLen: number }) {
  const first = config.has('max_window_layers') ? config.whole('max_window_layers') : 28;
  return {
    ...readRope(config, { ...fields, theta: 10_000 }),
    ...switchedWindow(config, fields.nLayers, 4096, (layer) => layer >= first),
  };
}

export function readOlmo2(config: CheckedConfig): DecoderConfigInput {
  const fields = shared(config, 'olmo2', { biases: 'attention', eps: 1e-5 });
  return { ...fields, ...readRope(config, { ...fields, theta: 10_000 }), ...fullAttention(config, fields.nLayers) };
}

export function readOlmo3(config: CheckedConfig): DecoderConfigInput {
  const fields = shared(config, 'olmo3', { biases: 'attention', eps: 1e-5 });
  const window = config.countOrNull('sliding_window', 4096);
  const layers = windowByLayer(config, fields.nLayers, window, (layer) => (layer + 1) % 4 !== 0);
  return {
    ...fields,
    ...layers,
    ...twoRopes(config, fields, layers.localLayers, { theta: 500_000 }, { theta: 500_000 }),
  };
}

/** A base for local layers where there are some and they turn otherwise than the rest. */
function twoRopes(
  config: CheckedConfig,
  fields: { headDim: number; seqLen: number },
  localLayers: readonly number[],
  defaults: { readonly theta: number },
  local: { readonly theta: number; readonly thetaKey?: string },
) {
  const { localTheta, ...rope } = readTwoRopes(config, { ...fields, ...defaults }, local);
  const turnsUnlike = localTheta !== rope.ropeTheta || rope.ropeScaling !== null;
  return { ...rope, localRopeTheta: localLayers.length > 0 && turnsUnlike ? localTheta : null };
}

export function readSmolLm3(config: CheckedConfig): DecoderConfigInput {
  const fields = shared(config, 'smollm3', { biases: 'attention and mlp', nKvHeads: 4, isTied: true });
  const { nLayers } = fields;
  const interval = config.count('no_rope_layer_interval', 4);
  // 1 for a layer with rotary positions, 0 for one without.
  const turns = config.has('no_rope_layers')
    ? config.list('no_rope_layers')
    : Array.from({ length: nLayers }, (_, layer) => Number((layer + 1) % interval !== 0));
  if (turns.length < nLayers || !turns.every((one) => one === 0 || one === 1)) {
    throw config.wrong('no_rope_layers', turns, `a list of 0 and 1 for ${nLayers} layers`, 'Is the file complete?');
  }
  return {
    ...fields,
    ...readRope(config, { ...fields, theta: 2_000_000 }),
    ...switchedWindow(config, nLayers, null, (layer) => turns[layer] === 0),
    nopeLayers: Array.from({ length: nLayers }, (_, layer) => layer).filter((layer) => turns[layer] === 0),
  };
}

export function readGranite(config: CheckedConfig): DecoderConfigInput {
  const fields = shared(config, 'granite', { biases: 'attention and mlp' });
  return {
    ...fields,
    ...readRope(config, { ...fields, theta: 10_000 }),
    ...fullAttention(config, fields.nLayers),
    embeddingScale: config.positive('embedding_multiplier', 1),
    residualScale: config.positive('residual_multiplier', 1),
    softmaxScale: config.positive('attention_multiplier', 1),
    logitScale: 1 / config.positive('logits_scaling', 1),
  };
}

export function readPhi3(config: CheckedConfig): DecoderConfigInput {
  const fields = shared(config, 'phi3', { biases: 'none', eps: 1e-5 });
  const rope = readRope(config, { ...fields, theta: 10_000, part: 1, isLong: true, trainedLength: 4096 });
  config.ignore('original_max_position_embeddings');
  return { ...fields, ...rope, ...oneWindow(config, fields.nLayers, null) };
}

export function readGemma(config: CheckedConfig): DecoderConfigInput {
  // Official files say gelu and mean its tanh approximation; an older key is not read.
  config.ignore('hidden_activation');
  const given = shared(config, 'gemma', { biases: 'attention', ...gemmaDefaults, nKvHeads: 16 });
  const fields = { ...given, activation: given.activation === 'geglu-erf' ? ('geglu' as const) : given.activation };
  config.mustBe('use_bidirectional_attention', false);
  return {
    ...fields,
    ...readRope(config, { ...fields, theta: 10_000 }),
    ...fullAttention(config, fields.nLayers),
    embeddingScale: Math.sqrt(fields.dModel),
  };
}

const gemmaDefaults = { headDim: 256, isTied: true, activation: 'gelu_pytorch_tanh' } as const;

/** What Gemma 2 and 3 have in common. */
function gemma(config: CheckedConfig, family: 'gemma2' | 'gemma3_text') {
  config.ignore('hidden_act');
  config.mustBe('use_bidirectional_attention', false);
  const defaults = { ...gemmaDefaults, biases: 'attention', nKvHeads: 4, activationKey: 'hidden_activation' } as const;
  const fields = shared(config, family, defaults);
  return {
    ...fields,
    softmaxScale: config.positive('query_pre_attn_scalar', 256) ** -0.5,
    embeddingScale: Math.sqrt(fields.dModel),
    logitSoftcap: config.positiveOrNull('final_logit_softcapping', family === 'gemma2' ? 30 : null),
  };
}

export function readGemma2(config: CheckedConfig): DecoderConfigInput {
  const fields = gemma(config, 'gemma2');
  // An older name of the same number, which is not read any more.
  config.ignore('sliding_window_size');
  const window = config.countOrNull('sliding_window', 4096);
  return {
    ...fields,
    ...readRope(config, { ...fields, theta: 10_000 }),
    ...windowByLayer(config, fields.nLayers, window, (layer) => layer % 2 === 0),
    attentionSoftcap: config.positiveOrNull('attn_logit_softcapping', 50),
  };
}

export function readGemma3(config: CheckedConfig): DecoderConfigInput {
  const fields = gemma(config, 'gemma3_text');
  // transformers reads it and does nothing with it.
  config.ignore('attn_logit_softcapping', '_sliding_window_pattern');
  const pattern = config.count('sliding_window_pattern', 6);
  const window = config.countOrNull('sliding_window', 4096);
  const layers = windowByLayer(config, fields.nLayers, window, (layer) => (layer + 1) % pattern !== 0);
  const local = { theta: 10_000, thetaKey: 'rope_local_base_freq' };
  return { ...fields, ...layers, ...twoRopes(config, fields, layers.localLayers, { theta: 1_000_000 }, local) };
}
