import type { DepthReading, Tensor } from '@modajs/tensor';
import { checkOptions, isReading } from '@modajs/tensor/checks';
import { attend } from './attend.ts';
import { type AttentionResult, SEQUENCE_OPTIONS, type SequenceOptions } from './attention-options.ts';

/**
 * Mixture-of-Depths attention: one softmax over the sequence keys and the S depth slots of the query's own position.
 * S = 0 is `attention` and touches no depth memory. `causal`, `window`, `docRange`, `bias`, `mask` and `alibi`
 * act on the sequence part only, `scale`, `softcap` and `sinks` on the whole softmax.
 *
 * @param q `[B, T, H, D]`
 * @param k `[B, Tk, Hkv, D]`
 * @param v `[B, Tk, Hkv, Dv]`
 * @param depth from `DepthStream.read`: slots `[B, T, Hkv, D]` and `[B, T, Hkv, Dv]`
 * @throws ShapeError when H is not a multiple of Hkv or shapes disagree; DTypeError; ConfigError for a window below 1
 * Reference: Zhu et al., arXiv 2603.15619, Algorithm 1.
 */
export function moda(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  depth: DepthReading,
  options: SequenceOptions = {},
): AttentionResult {
  checkOptions('moda', options, SEQUENCE_OPTIONS);
  isReading('moda', 'depth', depth);
  const { sinks, bias, mask, alibi, ...sequence } = options;
  return attend({ q, k, v, depth, ...sequence }, { sinks, bias, mask, alibi });
}
