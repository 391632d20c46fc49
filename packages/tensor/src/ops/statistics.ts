import { withRecording } from '../core/autograd.ts';
import { tidy } from '../core/scope.ts';
import type { Tensor } from '../core/tensor.ts';
import { checkOperands, floatOnly } from './checks.ts';
import { add, equal, mul, notEqual, sub, where } from './elementwise.ts';
import { max, type ReduceOptions, sum, variance } from './reductions.ts';
import { exp, log, sqrt, square } from './unary.ts';
import { reshape } from './views.ts';

/** log(sum(exp(x))) over axes, without overflow; -Infinity where all are. @throws as `sum` */
export function logsumexp(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkOperands('logsumexp', { x });
  floatOnly('logsumexp', x);
  return tidy(() => {
    // Taken off and added again, so it needs no gradient. An infinite maximum would give Infinity - Infinity.
    const shift = withRecording(false, () => {
      const largest = max(x, { ...options, keepDims: true });
      return where(equal(sub(largest, largest), 0), largest, 0);
    });
    const total = log(sum(exp(sub(x, shift)), options));
    return add(total, reshape(shift, total.shape));
  });
}

/** Root of `variance` (which divides by n) over axes; the gradient of equal values is 0. @throws as `variance` */
export function std(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkOperands('std', { x });
  floatOnly('std', x);
  return tidy(() => rootOf(variance(x, options)));
}

/** Euclidean norm, the root of the sum of squares, over axes; the gradient at 0 is 0. @throws as `sum` */
export function norm(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkOperands('norm', { x });
  floatOnly('norm', x);
  return tidy(() => rootOf(sum(square(x), options)));
}

/** The root with gradient 0 at 0, where sqrt's is infinite. */
function rootOf(x: Tensor): Tensor {
  return mul(sqrt(where(equal(x, 0), 1, x)), notEqual(x, 0));
}
