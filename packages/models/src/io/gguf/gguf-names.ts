import type { ModelFamily } from '../hugging-face/model-family.ts';

/** llama.cpp's architectures that are read and written, and what is known of each. */
export interface GgufArchitecture {
  /** `model_type` of the same model in Hugging Face's files. */
  readonly modelType: ModelFamily;
  /** Ours to llama.cpp's, inside a block. */
  readonly block: Readonly<Record<string, string>>;
  /** Rows of queries and keys stand in the order of RoPE's pairs (2i, 2i+1), not (i, i + D/2) as in Hugging Face's files. */
  readonly hasPairedRows: boolean;
  /** Tensors that are several of ours, one behind the other, by llama.cpp's names inside a block. */
  readonly fused?: Readonly<Record<string, readonly string[]>>;
}

const attention = {
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
} as const;

const swiglu = { 'mlp.gate_proj': 'ffn_gate', 'mlp.up_proj': 'ffn_up', 'mlp.down_proj': 'ffn_down' } as const;
const qkNorm = { 'self_attn.q_norm': 'attn_q_norm', 'self_attn.k_norm': 'attn_k_norm' } as const;
const preNorm = { input_layernorm: 'attn_norm', post_attention_layernorm: 'ffn_norm' } as const;
const postNorm = {
  post_attention_layernorm: 'post_attention_norm',
  post_feedforward_layernorm: 'post_ffw_norm',
} as const;
const fusedQkv = { attn_qkv: ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'] } as const;
const fusedSwiglu = { ffn_up: ['mlp.gate_proj', 'mlp.up_proj'] } as const;
const gemmaNorm = {
  input_layernorm: 'attn_norm',
  post_attention_layernorm: 'post_attention_norm',
  pre_feedforward_layernorm: 'ffn_norm',
  post_feedforward_layernorm: 'post_ffw_norm',
} as const;
const plain = { 'self_attn.o_proj': 'attn_output', 'mlp.up_proj': 'ffn_up', 'mlp.down_proj': 'ffn_down', ...preNorm };

const phi3 = { 'self_attn.o_proj': 'attn_output', 'mlp.down_proj': 'ffn_down', ...preNorm } as const;

/** By `general.architecture`. A new family is a row here and, where it has keys of its own, lines in `gguf-config.ts` and `gguf-keys.ts`. */
export const ggufArchitectures: Readonly<Record<string, GgufArchitecture>> = {
  llama: { modelType: 'llama', block: { ...attention, ...swiglu, ...preNorm }, hasPairedRows: true },
  granite: { modelType: 'granite', block: { ...attention, ...swiglu, ...preNorm }, hasPairedRows: true },
  qwen2: { modelType: 'qwen2', block: { ...attention, ...swiglu, ...preNorm }, hasPairedRows: false },
  qwen3: { modelType: 'qwen3', block: { ...attention, ...qkNorm, ...swiglu, ...preNorm }, hasPairedRows: false },
  olmo2: { modelType: 'olmo2', block: { ...attention, ...qkNorm, ...swiglu, ...postNorm }, hasPairedRows: false },
  smollm3: { modelType: 'smollm3', block: { ...attention, ...swiglu, ...preNorm }, hasPairedRows: true },
  phi3: { modelType: 'phi3', block: phi3, hasPairedRows: false, fused: { ...fusedQkv, ...fusedSwiglu } },
  gemma: { modelType: 'gemma', block: { ...attention, ...swiglu, ...preNorm }, hasPairedRows: false },
  gemma2: { modelType: 'gemma2', block: { ...attention, ...swiglu, ...gemmaNorm }, hasPairedRows: false },
  gemma3: {
    modelType: 'gemma3_text',
    block: { ...attention, ...qkNorm, ...swiglu, ...gemmaNorm },
    hasPairedRows: false,
  },
  gpt2: { modelType: 'gpt2', block: plain, hasPairedRows: false, fused: fusedQkv },
  gptneox: { modelType: 'gpt_neox', block: plain, hasPairedRows: false, fused: fusedQkv },
};

/** llama.cpp's name of a family; null for one that it does not know, or not under a name of its own. */
export function architectureOf(family: ModelFamily): string | null {
  return Object.keys(ggufArchitectures).find((name) => ggufArchitectures[name].modelType === family) ?? null;
}

/** Where a parameter that shares a tensor with others lies. */
export interface FusedPlace {
  /** The tensor's name. */
  readonly name: string;
  /** All its parts by our names, one behind the other. */
  readonly parts: readonly string[];
}

/** The tensor that one of our parameters is a part of; null for one that stands alone. */
export function fusedPlace(ours: string, { fused = {} }: GgufArchitecture): FusedPlace | null {
  const [, block, layer, inBlock, kind] = /^(model\.layers\.(\d+)\.)(.+)\.(\w+)$/.exec(ours) ?? [];
  const found = Object.entries(fused).find(([, parts]) => parts.includes(inBlock));
  if (!found) return null;
  return { name: `blk.${layer}.${found[0]}.${kind}`, parts: found[1].map((part) => `${block}${part}.${kind}`) };
}

const outside: Readonly<Record<string, string>> = {
  'model.embed_tokens': 'token_embd',
  'model.embed_positions': 'position_embd',
  'model.norm': 'output_norm',
  lm_head: 'output',
};

/** llama.cpp's name of one of our parameters; undefined for one that the architecture does not have. */
export function ggufName(ours: string, { block }: GgufArchitecture): string | undefined {
  const kind = ours.slice(ours.lastIndexOf('.') + 1);
  const path = ours.slice(0, -kind.length - 1);
  const [, layer, inBlock] = /^model\.layers\.(\d+)\.(.+)$/.exec(path) ?? [];
  const name = layer === undefined ? outside[path] : block[inBlock];
  if (name === undefined) return undefined;
  return layer === undefined ? `${name}.${kind}` : `blk.${layer}.${name}.${kind}`;
}
