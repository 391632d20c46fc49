import { type DepthReading, ShapeError, type Tensor } from '@modajs/tensor';
import { checkOptions, isReading } from '@modajs/tensor/checks';
import { attend } from './attend.ts';
import { type AttentionResult, DEPTH_OPTIONS, type DepthOptions } from './attention-options.ts';

/**
 * Each query reads the depth slots of its own position only:
 * `out[t] = sum_s softmax_s(scale q[t] . depthK[s, t]) depthV[s, t]`.
 *
 * @param q `[B, T, H, D]`
 * @param depth from `DepthStream.read`: S >= 1 slots `[B, T, Hkv, D]` and `[B, T, Hkv, Dv]`
 * @throws ShapeError when there is no slot or shapes disagree
 * Reference: arXiv 2603.15619, "flash depth attention".
 */
export function depthAttention(q: Tensor, depth: DepthReading, options: DepthOptions = {}): AttentionResult {
  checkOptions('depthAttention', options, DEPTH_OPTIONS);
  isReading('depthAttention', 'depth', depth);
  if (depth.S === 0) {
    throw new ShapeError('depthAttention: there must be at least one depth slot, got S=0. Write to the stream first.', {
      S: 0,
    });
  }
  const { sinks, ...rest } = options;
  return attend({ q, k: null, v: null, depth, ...rest }, { sinks });
}
