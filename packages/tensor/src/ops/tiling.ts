import { ShapeError } from '../core/errors.ts';
import { tidy } from '../core/scope.ts';
import { normalizeAxis } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import { shown } from '../core/value-checks.ts';
import { checkOperands, floatOnly } from './checks.ts';
import { castFor, full, numberFits } from './creation.ts';
import { add } from './elementwise.ts';
import { broadcastTo, concat, reshape, slice } from './views.ts';

/** A list with a whole number, 0 or more, for each axis. */
function checkCounts(operation: string, name: string, counts: readonly number[], rank: number): void {
  if (Array.isArray(counts) && counts.length === rank && counts.every((n) => Number.isSafeInteger(n) && n >= 0)) return;
  throw new ShapeError(`${operation}: ${name} must be ${rank} whole numbers, one an axis, got ${shown(counts)}.`);
}

/**
 * The tensor `counts[axis]` times along each axis, PyTorch's `repeat` and NumPy's `tile`: `repeat([1, 2], [2])` is `[1, 2, 1, 2]`.
 *
 * @throws ShapeError unless there is a count for each axis
 */
export function repeat(x: Tensor, counts: readonly number[]): Tensor {
  checkOperands('repeat', { x });
  checkCounts('repeat', 'counts', counts, x.rank);
  return tidy(() => {
    const apart = reshape(
      x,
      x.shape.flatMap((extent) => [1, extent]),
    );
    const tiled = broadcastTo(
      apart,
      x.shape.flatMap((extent, axis) => [counts[axis], extent]),
    );
    return reshape(
      tiled,
      x.shape.map((extent, axis) => counts[axis] * extent),
    );
  });
}

/**
 * Adds `before[axis]` and `after[axis]` elements of `value` at the ends of each axis.
 *
 * @throws ShapeError unless both lists have a number for each axis; ConfigError for a value that the dtype has not
 */
export function pad(x: Tensor, before: readonly number[], after: readonly number[], value = 0): Tensor {
  const device = checkOperands('pad', { x });
  checkCounts('pad', 'before', before, x.rank);
  checkCounts('pad', 'after', after, x.rank);
  numberFits('pad', 'value', value, x.dtype, castFor('x', x.dtype));
  const { dtype } = x;
  const filled = (like: Tensor, axis: number, extent: number): Tensor[] =>
    extent === 0
      ? []
      : [
          full(
            like.shape.map((n, i) => (i === axis ? extent : n)),
            value,
            { dtype, device },
          ),
        ];
  return tidy(() =>
    x.shape.reduce((inner, _, axis) => {
      const parts = [...filled(inner, axis, before[axis]), inner, ...filled(inner, axis, after[axis])];
      return parts.length === 1 ? inner : concat(parts, axis);
    }, x),
  );
}

/**
 * Sums of the first 1, 2, ... elements along an axis, made by doubling: log2(N) additions of the whole, whose rounding grows with log2(N).
 *
 * @throws ShapeError for the axis; DTypeError for integers
 */
export function cumsum(x: Tensor, axis = -1): Tensor {
  checkOperands('cumsum', { x });
  floatOnly('cumsum', x);
  const at = normalizeAxis('cumsum', axis, x.rank);
  const extent = x.shape[at];
  const only = (n: number): number[] => x.shape.map((_, i) => (i === at ? n : 0));
  return tidy(() => {
    let sums = x;
    for (let width = 1; width < extent; width *= 2) {
      const ends = x.shape.map((n, i) => (i === at ? n - width : n));
      const earlier = slice(
        sums,
        x.shape.map(() => 0),
        ends,
      );
      sums = add(sums, pad(earlier, only(width), only(0)));
    }
    return sums;
  });
}
