import { ShapeError } from '../core/errors.ts';
import { tidy } from '../core/scope.ts';
import { formatShape, normalizeAxis, type Shape, sizeOf } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import { checkOperands, sameDType, shapeIs } from './checks.ts';
import { arange } from './creation.ts';
import { add, greaterEqual, less, maximum, where } from './elementwise.ts';
import { gather, scatterSum } from './indexing.ts';
import { type Indices, indexTensor, takeAt } from './indices.ts';
import { affine } from './unary.ts';
import { reshape } from './views.ts';

/**
 * x at indices along an axis, `jnp.take` and PyTorch's `index_select`: the axis gives way to the axes of `indices`. Negative indices count
 * from the end. The gradient adds up where an index stands twice.
 *
 * @param indices a list of numbers, or an i32 or u32 tensor of any shape
 * @throws ShapeError for the axis and for a number of a list that is out of range (one of a tensor reads NaN, 0 among integers);
 *   DTypeError for indices that are not integer
 */
export function take(x: Tensor, indices: Indices, axis: number): Tensor {
  const device = checkOperands('take', { x });
  const at = normalizeAxis('take', axis, x.rank);
  return tidy(() => takeAt(x, indexTensor('take', 'indices', indices, x.shape, at, device), at));
}

/**
 * One element for each index, `jnp.take_along_axis` and PyTorch's `gather`: `out[i, j] = x[i, indices[i, j]]` for axis 1.
 *
 * @param indices i32 or u32 with x's axes, of which only `axis` may have another extent; negative ones count from the end
 * @throws ShapeError | DTypeError as `take`
 */
export function takeAlong(x: Tensor, indices: Tensor, axis: number): Tensor {
  const device = checkOperands('takeAlong', { x, indices });
  const at = normalizeAxis('takeAlong', axis, x.rank);
  shapeIs('takeAlong', 'indices', indices.shape, withExtent(x.shape, at, indices.shape[at]));
  return tidy(() => {
    const ids = indexTensor('takeAlong', 'indices', indices, x.shape, at, device);
    return pickAt(x, insidePositions(ids, x.shape, at), ids.shape);
  });
}

/**
 * x with values added at indices along an axis. With one index for each slice, `[J]`, it is PyTorch's `index_add`: values `[.., J, ..]`,
 * `out[i, indices[j]] += values[i, j]`. With one for each value, indices shaped as values, it is `scatter_add`:
 * `out[i, indices[i, j]] += values[i, j]`. Values are added in their order, so that the result never depends on timing.
 *
 * @param indices negative ones count from the end; one of a tensor that is out of range adds nothing
 * @param values x's dtype and axes, of which only `axis` may have another extent
 * @throws ShapeError | DTypeError as `take`
 */
export function scatterAdd(x: Tensor, axis: number, indices: Indices, values: Tensor): Tensor {
  const device = checkOperands('scatterAdd', { x, values });
  sameDType('scatterAdd', x, values);
  const at = normalizeAxis('scatterAdd', axis, x.rank);
  shapeIs('scatterAdd', 'values', values.shape, withExtent(x.shape, at, values.shape[at]));
  return tidy(() => {
    if (indices instanceof Tensor && indices.rank === x.rank && x.rank > 1) {
      checkOperands('scatterAdd', { x, indices });
      shapeIs('scatterAdd', 'indices', indices.shape, values.shape);
      const ids = indexTensor('scatterAdd', 'indices', indices, x.shape, at, device);
      const position = insidePositions(ids, x.shape, at);
      return add(x, reshape(sumsAt(reshape(values, [values.size]), position, 0, x.size), x.shape));
    }
    const ids = indexTensor('scatterAdd', 'indices', indices, x.shape, at, device);
    if (ids.rank !== 1 || ids.size !== values.shape[at]) {
      throw new ShapeError(
        `scatterAdd: indices must be [${values.shape[at]}], one for each slice of values, or ${formatShape(values.shape)}, one for each value, got ${formatShape(ids.shape)}.`,
        { indices: ids.shape, values: values.shape },
      );
    }
    return add(x, sumsAt(values, ids, at, x.shape[at]));
  });
}

/** `scatterSum` that gives values with an index out of range, which add nothing, the gradient 0. */
function sumsAt(values: Tensor, ids: Tensor, axis: number, extent: number): Tensor {
  const noValue = reshape(isOutside(ids, extent), [ids.size, ...values.shape.slice(axis + 1).map(() => 1)]);
  return scatterSum(where(noValue, 0, values), ids, axis, extent);
}

function withExtent(shape: Shape, axis: number, extent: number | undefined): number[] {
  return shape.map((own, i) => (i === axis ? (extent ?? own) : own));
}

/**
 * Where the elements lie in row-major memory of `shape` when `ids`, i32 and all in range, replace the position along `axis`: ids' shape.
 * Internal to operators.
 */
export function flatPositions(ids: Tensor, shape: Shape, axis: number): Tensor {
  const { device } = ids;
  const [R, N, I] = [sizeOf(shape.slice(0, axis)), shape[axis], sizeOf(shape.slice(axis + 1))];
  const rows = reshape(affine(arange(R, { device }), N * I, 0), [R, 1, 1]);
  const columns = reshape(arange(I, { device }), [1, 1, I]);
  const own = affine(reshape(ids, [R, ids.shape[axis], I]), I, 0);
  return reshape(add(add(own, rows), columns), ids.shape);
}

/** `flatPositions`, with -1 for ids out of range. */
function insidePositions(ids: Tensor, shape: Shape, axis: number): Tensor {
  return reshape(where(isOutside(ids, shape[axis]), -1, flatPositions(ids, shape, axis)), [ids.size]);
}

/** 1 for ids that no element has. */
function isOutside(ids: Tensor, extent: number): Tensor {
  return maximum(less(ids, 0), greaterEqual(ids, extent));
}

/** x at `flatPositions`, in the shape of `shape`. Internal to operators. */
export function pickAt(x: Tensor, positions: Tensor, shape: Shape): Tensor {
  return reshape(gather(reshape(x, [x.size]), reshape(positions, [positions.size]), 0), shape);
}
