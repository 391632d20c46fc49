import type { RopeScaling } from './rope-scaling.ts';

/**
 * Where the norms of a block stand: `pre` x + f(norm x); `post` norm(x + f x); `reordered` (OLMo 2) x + norm(f x); `sandwich`
 * (Gemma 2 and 3) x + norm(f(norm x)).
 */
export type NormPlacement = 'pre' | 'post' | 'reordered' | 'sandwich';

/**
 * What stands between the matrices of an FFN. Gated ones have three matrices, `f(gate) * up`: `swiglu`, `geglu` (tanh
 * approximation), `geglu-erf`, `reglu`; the others two, `f(up)`: `gelu` (tanh approximation, GPT-2), `gelu-erf`, `gelu-sigmoid`
 * (x sigmoid(1.702 x)), `relu`, `relu2` (its square), `silu`, `tanh`, `sigmoid`.
 */
export const activations = [
  'swiglu',
  'geglu',
  'geglu-erf',
  'reglu',
  'gelu',
  'gelu-erf',
  'gelu-sigmoid',
  'relu',
  'relu2',
  'silu',
  'tanh',
  'sigmoid',
] as const;

/** One of `activations`. */
export type Activation = (typeof activations)[number];

/** Everything that fixes a decoder's parameters and computation but its depth mechanism. */
export interface BlockConfig {
  readonly nLayers: number;
  readonly nHeads: number;
  readonly nKvHeads: number;
  readonly headDim: number;
  readonly dModel: number;
  readonly dFf: number;
  readonly vocabSize: number;
  /** Longest sequence in training; learned positions stop here, rotary ones do not. */
  readonly seqLen: number;
  readonly norm: NormPlacement;
  /** `rms`: RMSNorm; `layer`: LayerNorm with bias (GPT-2). */
  readonly normKind: 'rms' | 'layer';
  readonly normEps: number;
  /** RMSNorm of q and k before RoPE: `full` over all heads together (OLMo 2), `head` over each head (Qwen 3). */
  readonly qkNorm: 'none' | 'full' | 'head';
  /** A bias on linear maps of the blocks: on those that `biasMaps` names. */
  readonly bias: boolean;
  /** Which maps have a bias when `bias` is set: all of the block, those of the attention, its q, k and v, or those of the FFN. */
  readonly biasMaps: 'all' | 'attention' | 'qkv' | 'ffn';
  readonly tieEmbeddings: boolean;
  readonly activation: Activation;
  /** Both sub-layers read the block's input, `x + attention(norm x) + ffn(norm x)` (GPT-NeoX), instead of one after the other. */
  readonly parallelBlocks: boolean;
  /** Factor of token embeddings as they enter the first block; 1 for none. */
  readonly embeddingScale: number;
  /** Factor of every sub-layer's output before it is added to the residual sum; 1 for none. */
  readonly residualScale: number;
  /** Factor of the final hidden state before the output matrix, so of logits; 1 for none. */
  readonly logitScale: number;
  /** c of `c tanh(s / c)`, which logits go through at the end; null for none. */
  readonly logitSoftcap: number | null;
  readonly positions: 'rope' | 'learned';
  readonly ropeTheta: number;
  /** How the rotation is slowed down for longer sequences; null for not at all. */
  readonly ropeScaling: RopeScaling | null;
  /** Base of the rotation in `localLayers`, which then is not scaled (Gemma 3, OLMo 3); null: they turn as the others. */
  readonly localRopeTheta: number | null;
  /** Leading components of a head that rotate; null for all. */
  readonly rotaryDim: number | null;
  /** Layers, from 0, without rotary positions (SmolLM 3). */
  readonly nopeLayers: readonly number[];
  /** Pairs (2i, 2i+1) as in Llama's own files; false pairs (i, i + rotaryDim/2) as Hugging Face does. */
  readonly ropeInterleaved: boolean;
  /** Factor of q . k before the softmax; null for 1/sqrt(headDim). */
  readonly softmaxScale: number | null;
  /** Whether layer l, from 0, also divides q . k by l + 1 (GPT-2's `scale_attn_by_inverse_layer_idx`). */
  readonly softmaxScaleByLayer: boolean;
  /** c of `c tanh(s / c)`, which logits of the attention, those of MoDA's depth slots too, go through before the softmax; null for none. */
  readonly attentionSoftcap: number | null;
  /** Positions that an attention layer in `localLayers` sees, the query's own included; null: all layers see everything. */
  readonly window: number | null;
  /** Layers, from 0, whose attention `window` bounds; all by default where there is a window. */
  readonly localLayers: readonly number[];
}
