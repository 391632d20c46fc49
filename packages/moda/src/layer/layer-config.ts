import type { QuantizedMatrix, Tensor } from '@modajs/tensor';

/** Weight `[outputs, inputs]`, which may be quantized, and bias `[outputs]` of a linear map, Hugging Face layout. */
export interface LinearWeights {
  readonly weight: Tensor | QuantizedMatrix;
  readonly bias: Tensor | null;
  /** Low-rank additions to the weight; none by default. */
  readonly adapters?: readonly LowRankWeights[];
}

/** `scale B A`, which is added to a weight `[outputs, inputs]`: A `[rank, inputs]`, B `[outputs, rank]`. */
export interface LowRankWeights {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly scale: number;
}

/** Parameters of an attention layer. Projections: q `[H*D, C]`, k and v `[Hkv*D, C]`, o `[C, H*D]`. */
export interface AttentionLayerWeights {
  readonly qProj: LinearWeights;
  readonly kProj: LinearWeights;
  readonly vProj: LinearWeights;
  readonly oProj: LinearWeights;
  /** RMSNorm weights: `[H*D]` and `[Hkv*D]` for `qkNorm: 'full'`, `[D]` each for `'head'`, null for `'none'`. */
  readonly qNorm: Tensor | null;
  readonly kNorm: Tensor | null;
  /** `[2*Hkv*D, C]`, keys first: what this layer's attention slot holds instead of its own k and v. */
  readonly depthAttentionProj: LinearWeights | null;
  /** `[2*Hkv*D, C]`, keys first, of the FFN's input. */
  readonly depthFfnProj: LinearWeights | null;
  /** `[H]`: factors of what depth slots change in each head's output; null, the default, for all of it. */
  readonly depthGate?: Tensor | null;
  /** `[Hkv, C]`: scores of the attention's slot, for a `ScoredStream`. */
  readonly depthAttentionScore?: LinearWeights | null;
  /** `[Hkv, C]`: scores of the FFN's slot, of the FFN's input. */
  readonly depthFfnScore?: LinearWeights | null;
  /** `[H]`: learned logits of a key without a value, one more in every query's softmax (`attention`); none by default. */
  readonly sinks?: Tensor | null;
  /** `[H]`: slopes of ALiBi (`attention`); none by default. */
  readonly alibi?: Tensor | null;
}

/** Rotary embedding of queries and keys. */
export interface RotaryConfig {
  readonly theta: number;
  /** Pairs (2i, 2i+1) instead of (i, i + rotaryDim/2). */
  readonly interleaved: boolean;
  /** Leading components of a head that rotate; all of them by default. */
  readonly rotaryDim?: number;
  /** Radians a position of each pair, in place of powers of theta: a scaled rotation. */
  readonly frequencies?: readonly number[] | null;
  /** Factor of the rotated components of queries; 1 by default. Where all rotate, a softmax scale says the same. */
  readonly queryScale?: number;
}

/** What fixes an attention layer's computation besides its weights. */
export interface AttentionLayerConfig {
  readonly nHeads: number;
  readonly nKvHeads: number;
  readonly headDim: number;
  readonly qkNorm: 'none' | 'full' | 'head';
  readonly normEps: number;
  /** Null: no rotary embedding. */
  readonly rotary: RotaryConfig | null;
  /** Null: 1/sqrt(headDim). */
  readonly softmaxScale: number | null;
  /** Keys `window` or more positions back are hidden; null, the default, hides none. Never touches depth keys. */
  readonly window?: number | null;
  /** c of `c tanh(s / c)`, which logits s go through before the softmax, those of depth slots too; null, the default, for none. */
  readonly logitSoftcap?: number | null;
  /** Hide later positions; true for language models. */
  readonly causal: boolean;
  /** Key norm of depth keys: none, the writing layer's, or the reading layer's. */
  readonly depthKeyNorm: 'none' | 'writer' | 'reader';
  /** Whether depth keys carry the rotary embedding of their position. */
  readonly depthRope: 'none' | 'shared';
  /** C of chunk-visible MoDA; 1 is MoDA. */
  readonly depthChunk: number;
  /** At most this many slots, the newest, are read; null reads all. */
  readonly depthSlots: number | null;
}
