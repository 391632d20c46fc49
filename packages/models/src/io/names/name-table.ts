/** A stored tensor that holds several of ours. */
export interface FusedTensor {
  /** Stored name below the block, without `.weight`. */
  readonly stored: string;
  /** Ours below the block, in the order of the rows. */
  readonly parts: readonly string[];
  /** `rows`: one part after the other; `heads`: of each head the rows of every part, which have as many heads each. */
  readonly layout: 'rows' | 'heads';
}

/**
 * How a family's checkpoints name and lay out our parameters. Paths are without `.weight` and `.bias`, those of a block
 * without its prefix. What no entry names is stored under our own name.
 */
export interface NameTable {
  /** Begins every stored name but those of `outside`'s values that say otherwise; may be missing in older files. */
  readonly prefix: string;
  /** Stored prefix of a block, before its number. */
  readonly blocks: string;
  /** Ours to theirs outside the blocks, below the prefix. */
  readonly outside: Readonly<Record<string, string>>;
  /** Theirs of our output matrix, without the prefix. */
  readonly output: string;
  /** Ours to theirs inside a block. */
  readonly inBlock: Readonly<Record<string, string>>;
  readonly fused: readonly FusedTensor[];
  /** Matrices of blocks are stored `[inputs, outputs]`. */
  readonly transposes: boolean;
  /** What is added to a stored norm weight: Gemma keeps w of `(1 + w)`. */
  readonly normOffset: 0 | 1;
  /** Stored tensors that hold no parameters: masks, tables of angles. */
  readonly ignored: RegExp;
}

/** Llama's names, which are ours. */
export const llamaNames: NameTable = {
  prefix: 'model.',
  blocks: 'layers.',
  outside: { 'model.embed_tokens': 'embed_tokens', 'model.norm': 'norm' },
  output: 'lm_head',
  inBlock: {},
  fused: [],
  transposes: false,
  normOffset: 0,
  ignored: /\.rotary_emb\.inv_freq$/,
};

/** Gemma's: norms hold what is above 1. */
export const gemmaNames: NameTable = { ...llamaNames, normOffset: 1 };

/** Phi 3's: q, k and v in one matrix, gate and up in another. */
export const phi3Names: NameTable = {
  ...llamaNames,
  fused: [
    {
      stored: 'self_attn.qkv_proj',
      parts: ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'],
      layout: 'rows',
    },
    { stored: 'mlp.gate_up_proj', parts: ['mlp.gate_proj', 'mlp.up_proj'], layout: 'rows' },
  ],
};

export const gpt2Names: NameTable = {
  prefix: 'transformer.',
  blocks: 'h.',
  outside: { 'model.embed_tokens': 'wte', 'model.embed_positions': 'wpe', 'model.norm': 'ln_f' },
  output: 'lm_head',
  inBlock: {
    input_layernorm: 'ln_1',
    'self_attn.o_proj': 'attn.c_proj',
    post_attention_layernorm: 'ln_2',
    'mlp.up_proj': 'mlp.c_fc',
    'mlp.down_proj': 'mlp.c_proj',
  },
  fused: [
    { stored: 'attn.c_attn', parts: ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'], layout: 'rows' },
  ],
  transposes: true,
  normOffset: 0,
  ignored: /(^|\.)h\.\d+\.attn\.(bias|masked_bias)$/,
};

export const gptNeoxNames: NameTable = {
  prefix: 'gpt_neox.',
  blocks: 'layers.',
  outside: { 'model.embed_tokens': 'embed_in', 'model.norm': 'final_layer_norm' },
  output: 'embed_out',
  inBlock: {
    'self_attn.o_proj': 'attention.dense',
    'mlp.up_proj': 'mlp.dense_h_to_4h',
    'mlp.down_proj': 'mlp.dense_4h_to_h',
  },
  fused: [
    {
      stored: 'attention.query_key_value',
      parts: ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'],
      layout: 'heads',
    },
  ],
  transposes: false,
  normOffset: 0,
  ignored: /\.attention\.(bias|masked_bias|rotary_emb\.inv_freq)$/,
};
