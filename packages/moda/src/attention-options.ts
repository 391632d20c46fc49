import type { Tensor } from '@modajs/tensor';
import { checkedLater, finite, flag, type OptionChecks, orNull, positive, whole } from '@modajs/tensor/checks';

/** What attention computed; both outputs are differentiable. */
export interface AttentionResult {
  /** `[B, T, H, Dv]` */
  readonly out: Tensor;
  /** f32 `[B, H, T]`: natural log-sum-exp over all visible keys; -Infinity for a query that sees none. */
  readonly lse: Tensor;
}

/** What joins the products q . k in the softmax. */
export interface LogitOptions {
  /** `[H]`: learned logits of a key without a value, one more in every query's softmax, so that weights may sum to less than 1. */
  readonly sinks?: Tensor | null;
  /** Added to the sequence's logits, after scale and cap; broadcasts to `[B, H, T, Tk]`. With O(T Tk) memory. */
  readonly bias?: Tensor | null;
  /** 0 hides a sequence key, anything else shows it, in any dtype; broadcasts to `[B, H, T, Tk]`. With O(T Tk) memory. */
  readonly mask?: Tensor | null;
  /** `[H]`: a sequence key |i - j| positions away has `alibi[h] |i - j|` taken off its logit. With O(T Tk) memory. */
  readonly alibi?: Tensor | null;
}

/** Options of operators with a sequence part. */
export interface SequenceOptions extends LogitOptions {
  /** Factor of q . k; 1/sqrt(D) by default. */
  readonly scale?: number;
  /** Hide keys after the query's position; true by default. Never touches depth keys. */
  readonly causal?: boolean;
  /** Hide keys `window` or more positions back; null (default) hides none. */
  readonly window?: number | null;
  /**
   * c of the cap on logits: a scaled score s enters the softmax as `c tanh(s / c)`, depth keys' too; null (default) for none.
   * Reference: Gemma Team, "Gemma 2", arXiv 2408.00118, section 2.
   */
  readonly softcap?: number | null;
  /** i32 `[B, T, 2]`: key range [start, end) of each query's document, from `documentRanges`. */
  readonly docRange?: Tensor | null;
  /** Key positions in use when k and v have spare capacity; query i sits at key position `Tk - T + i`. */
  readonly Tk?: number;
}

/** Options of operators on depth keys alone. */
export interface DepthOptions {
  /** Factor of q . k; 1/sqrt(D) by default. */
  readonly scale?: number;
  /** c of the cap on logits, as in `SequenceOptions`. */
  readonly softcap?: number | null;
  /** As in `SequenceOptions`. */
  readonly sinks?: Tensor | null;
}

/** Tensors are checked together. */
export const SEQUENCE_OPTIONS: OptionChecks<SequenceOptions> = {
  scale: finite,
  causal: flag,
  window: orNull(whole(1)),
  softcap: orNull(positive),
  docRange: checkedLater,
  sinks: checkedLater,
  bias: checkedLater,
  mask: checkedLater,
  alibi: checkedLater,
  Tk: whole(),
};

export const DEPTH_OPTIONS: OptionChecks<DepthOptions> = {
  scale: finite,
  softcap: orNull(positive),
  sinks: checkedLater,
};
