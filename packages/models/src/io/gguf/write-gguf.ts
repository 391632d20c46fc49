import { ConfigError } from '@modajs/tensor';
import type { DecoderConfig } from '../../config/decoder-config.ts';
import type { HostParameter } from '../../decoder/load-parameters.ts';
import { familyOf, type ModelFamily } from '../hugging-face/model-family.ts';
import { isRotated, rotaryRows } from '../rows.ts';
import { type GgufTensor, type GgufValue, writeGgufFile } from './gguf-file.ts';

/** Ours to llama.cpp's, inside a block. */
const blockNames: Readonly<Record<'olmo2' | 'llama' | 'qwen3', Readonly<Record<string, string>>>> = {
  olmo2: { post_attention_layernorm: 'post_attention_norm', post_feedforward_layernorm: 'post_ffw_norm' },
  llama: { input_layernorm: 'attn_norm', post_attention_layernorm: 'ffn_norm' },
  qwen3: { input_layernorm: 'attn_norm', post_attention_layernorm: 'ffn_norm' },
};

const sharedNames: Readonly<Record<string, string>> = {
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'self_attn.q_norm': 'attn_q_norm',
  'self_attn.k_norm': 'attn_k_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};

const outsideNames: Readonly<Record<string, string>> = {
  'model.embed_tokens': 'token_embd',
  'model.norm': 'output_norm',
  lm_head: 'output',
};

/**
 * A GGUF file, f32, for the baseline families that llama.cpp runs: olmo2, llama and qwen3.
 *
 * @param parameters all of the model's, by our names
 * @param tokenizer from `bytePairTokenizerMetadata` or `scoredTokenizerMetadata`
 * @throws ConfigError for any other architecture (MoDA and the rivals have no GGUF form)
 */
export function writeGguf(
  config: DecoderConfig,
  parameters: ReadonlyMap<string, HostParameter>,
  tokenizer: Readonly<Record<string, GgufValue>>,
): Uint8Array {
  const family = familyOf(config);
  if (!family || family === 'gpt2') {
    throw new ConfigError(
      `gguf: the model must be an olmo2, llama or qwen3 baseline, got depth=${config.depth}, norm=${config.norm}, qkNorm=${config.qkNorm}. Export safetensors instead.`,
      { depth: config.depth, norm: config.norm, qkNorm: config.qkNorm },
    );
  }
  if (config.softmaxScale !== null) {
    throw new ConfigError(`gguf: softmaxScale must be null, got ${config.softmaxScale}. The format cannot say it.`);
  }
  const width = config.nHeads * config.headDim;
  if (family === 'olmo2' && width !== config.dModel) {
    throw new ConfigError(
      `gguf: llama.cpp's olmo2 needs nHeads * headDim = dModel, got ${width} and ${config.dModel}. Export safetensors instead.`,
      { width, dModel: config.dModel },
    );
  }
  const tensors = new Map<string, GgufTensor>();
  for (const [name, parameter] of parameters)
    tensors.set(ggufName(name, family), pairRows(name, parameter, config, family));
  // llama.cpp's olmo2 asks for an output matrix even when it is the embedding's.
  const embedding = tensors.get('token_embd.weight');
  if (family === 'olmo2' && config.tieEmbeddings && embedding) tensors.set('output.weight', embedding);
  return writeGgufFile({ ...modelMetadata(config, family), ...tokenizer }, tensors);
}

function ggufName(name: string, family: 'olmo2' | 'llama' | 'qwen3'): string {
  const kind = name.slice(name.lastIndexOf('.') + 1);
  const path = name.slice(0, -kind.length - 1);
  const [, layer, inBlock] = /^model\.layers\.(\d+)\.(.+)$/.exec(path) ?? [];
  if (layer === undefined) return `${outsideNames[path]}.${kind}`;
  return `blk.${layer}.${blockNames[family][inBlock] ?? sharedNames[inBlock]}.${kind}`;
}

/** llama.cpp pairs (2i, 2i+1) for llama and (i, i + D/2) for the others; rows are put in its order. */
function pairRows(name: string, parameter: HostParameter, config: DecoderConfig, family: ModelFamily): HostParameter {
  const wantsInterleaved = family === 'llama';
  if (wantsInterleaved === config.ropeInterleaved) return parameter;
  return isRotated(name) ? rotaryRows(parameter, config.headDim, wantsInterleaved) : parameter;
}

function modelMetadata(config: DecoderConfig, family: ModelFamily): Record<string, GgufValue> {
  const u32 = (value: number): GgufValue => ({ type: 'u32', value });
  const f32 = (value: number): GgufValue => ({ type: 'f32', value });
  return {
    'general.architecture': { type: 'string', value: family },
    'general.name': { type: 'string', value: `${family} ${config.nLayers}x${config.dModel}` },
    'general.file_type': u32(0),
    [`${family}.context_length`]: u32(config.seqLen),
    [`${family}.embedding_length`]: u32(config.dModel),
    [`${family}.block_count`]: u32(config.nLayers),
    [`${family}.feed_forward_length`]: u32(config.dFf),
    [`${family}.attention.head_count`]: u32(config.nHeads),
    [`${family}.attention.head_count_kv`]: u32(config.nKvHeads),
    [`${family}.attention.key_length`]: u32(config.headDim),
    [`${family}.attention.value_length`]: u32(config.headDim),
    [`${family}.attention.layer_norm_rms_epsilon`]: f32(config.normEps),
    [`${family}.rope.dimension_count`]: u32(config.headDim),
    [`${family}.rope.freq_base`]: f32(config.ropeTheta),
    [`${family}.vocab_size`]: u32(config.vocabSize),
  };
}
