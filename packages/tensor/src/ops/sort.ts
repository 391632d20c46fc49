import { argsortKernels } from '../backends/families.ts';
import { record, withRecording } from '../core/autograd.ts';
import { ShapeError } from '../core/errors.ts';
import { tidy } from '../core/scope.ts';
import { normalizeAxis } from '../core/shape.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import { checkOptions, flag, type OptionChecks, wholeNumber } from '../core/value-checks.ts';
import { checkOperands } from './checks.ts';
import { scatterSum } from './indexing.ts';
import { flatPositions, pickAt } from './take.ts';
import { contiguous, reshape, slice, transpose } from './views.ts';

export interface SortOptions {
  /** The largest first; false by default. */
  readonly descending?: boolean;
}

const SORT_OPTIONS: OptionChecks<SortOptions> = { descending: flag };

/** Values and where they stood, i32. */
export interface Sorted {
  readonly values: Tensor;
  readonly indices: Tensor;
}

/**
 * Indices (i32) that sort x along an axis, the last by default: `takeAlong(x, argsort(x), -1)` is sorted. Stable: equal elements keep
 * their order in both directions. A NaN counts as the largest and -0 as 0, as in PyTorch.
 *
 * @throws ShapeError for the axis; ConfigError for the options
 */
export function argsort(x: Tensor, axis = -1, options: SortOptions = {}): Tensor {
  const at = checkSort('argsort', x, axis, options);
  return order(x, at, options.descending ?? false);
}

/** x sorted along an axis, and `argsort`'s indices. The gradient goes back to where each value stood. @throws as `argsort` */
export function sort(x: Tensor, axis = -1, options: SortOptions = {}): Sorted {
  const at = checkSort('sort', x, axis, options);
  return tidy(() => {
    const indices = order(x, at, options.descending ?? false);
    return { values: valuesAt(x, indices, at), indices };
  });
}

/**
 * The k largest elements along an axis, the largest first, and their indices; of equal ones those that come first. A NaN counts as the
 * largest, as in PyTorch. The gradient goes back to where each value stood.
 *
 * @throws ShapeError for the axis, or unless k <= its extent; ConfigError for a k that is not whole
 */
export function topk(x: Tensor, k: number, axis = -1): Sorted {
  const at = checkSort('topk', x, axis, {});
  wholeNumber('topk', 'k', k);
  if (k > x.shape[at]) {
    throw new ShapeError(`topk: k must be at most ${x.shape[at]}, the size of axis ${at}, got ${k}.`, { k, axis: at });
  }
  return tidy(() => {
    const all = order(x, at, true);
    const starts = x.shape.map(() => 0);
    const ends = x.shape.map((extent, i) => (i === at ? k : extent));
    const indices = slice(all, starts, ends);
    return { values: valuesAt(x, indices, at), indices };
  });
}

/** The axis. */
function checkSort(operation: string, x: Tensor, axis: number, options: SortOptions): number {
  checkOperands(operation, { x });
  checkOptions(operation, options, SORT_OPTIONS);
  return normalizeAxis(operation, axis, x.rank);
}

function order(x: Tensor, axis: number, isDescending: boolean): Tensor {
  return tidy(() => {
    const last = x.rank - 1;
    const swap = x.shape.map((_, i) => (i === axis ? last : i === last ? axis : i));
    const rows = axis === last ? x.detach() : transpose(x.detach(), swap);
    const out = allocateTensor(x.device, rows.shape, 'i32');
    argsortKernels.on(x.device.backend).argsort(contiguous(rows).view, out.view, isDescending);
    return axis === last ? out : transpose(out, swap);
  });
}

/** x at indices that name no element twice. */
function valuesAt(x: Tensor, indices: Tensor, axis: number): Tensor {
  const { shape, size } = x;
  const positions = flatPositions(indices, shape, axis);
  const values = withRecording(false, () => pickAt(x, positions, indices.shape));
  record([values], [x], [indices, positions], ([dOut], [ids, places]) => {
    // A permutation is undone by its inverse, which takes fewer steps than sums by index.
    if (ids.shape[axis] === shape[axis])
      return [pickAt(dOut!, flatPositions(order(ids, axis, false), shape, axis), shape)];
    return [reshape(scatterSum(reshape(dOut!, [dOut!.size]), reshape(places, [places.size]), 0, size), shape)];
  });
  return values;
}
