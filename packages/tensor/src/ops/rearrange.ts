import { tidy } from '../core/scope.ts';
import { normalizeAxes, normalizeAxis } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import { wholeNumber } from '../core/value-checks.ts';
import { checkOperands } from './checks.ts';
import { tensor } from './creation.ts';
import { gather } from './indexing.ts';
import { concat, split } from './views.ts';

/** Elements in reverse order along one axis or several, all by default. A copy. @throws ShapeError for the axes */
export function flip(x: Tensor, axes?: number | readonly number[]): Tensor {
  const device = checkOperands('flip', { x });
  const list = normalizeAxes('flip', axes, x.rank).filter((axis) => x.shape[axis] > 1);
  return tidy(() =>
    list.reduce((inner, axis) => {
      const last = x.shape[axis] - 1;
      const backwards = tensor(
        Int32Array.from({ length: last + 1 }, (_, i) => last - i),
        { device },
      );
      return gather(inner, backwards, axis);
    }, x),
  );
}

/**
 * Elements `shift` places further along an axis, those that leave at the end in front: `roll([1, 2, 3], 1, 0)` is `[3, 1, 2]`. Negative
 * shifts go the other way.
 *
 * @throws ShapeError for the axis; ConfigError for a shift that is not whole
 */
export function roll(x: Tensor, shift: number, axis: number): Tensor {
  checkOperands('roll', { x });
  wholeNumber('roll', 'shift', shift, -(2 ** 31), 2 ** 31);
  const at = normalizeAxis('roll', axis, x.rank);
  const extent = x.shape[at];
  const places = extent === 0 ? 0 : ((shift % extent) + extent) % extent;
  if (places === 0) return x;
  return tidy(() => concat(split(x, [extent - places, places], at).toReversed(), at));
}
