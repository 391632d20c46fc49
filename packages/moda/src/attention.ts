import type { Tensor } from '@modajs/tensor';
import { checkOptions } from '@modajs/tensor/checks';
import { attend } from './attend.ts';
import { type AttentionResult, SEQUENCE_OPTIONS, type SequenceOptions } from './attention-options.ts';

/**
 * Softmax attention over the sequence: `out[t] = sum_j softmax_j(scale q[t] . k[j]) v[j]`.
 * O(T) memory, O(T Tk) with `bias`, `mask` or `alibi`; a query that sees no key gets 0.
 *
 * @param q `[B, T, H, D]`; query head h reads key/value head `floor(h / (H / Hkv))`
 * @param k `[B, Tk, Hkv, D]`
 * @param v `[B, Tk, Hkv, Dv]`
 * @throws ShapeError when H is not a multiple of Hkv or shapes disagree; DTypeError; ConfigError for a window below 1
 * Reference: Dao, "FlashAttention-2", arXiv 2307.08691.
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, options: SequenceOptions = {}): AttentionResult {
  checkOptions('attention', options, SEQUENCE_OPTIONS);
  const { sinks, bias, mask, alibi, ...sequence } = options;
  return attend({ q, k, v, ...sequence }, { sinks, bias, mask, alibi });
}
