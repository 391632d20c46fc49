import { record } from '../core/autograd.ts';
import type { DType } from '../core/dtype.ts';
import { isFloat } from '../core/dtype.ts';
import { ShapeError } from '../core/errors.ts';
import { tidy } from '../core/scope.ts';
import {
  checkNumbers,
  checkShape,
  contiguousStrides,
  formatShape,
  normalizeAxes,
  normalizeAxis,
  type Shape,
  sameShape,
  sizeOf,
} from '../core/shape.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import { dtypeName, shown, wholeNumber } from '../core/value-checks.ts';
import { checkOperandList, checkOperands, sameDType, shapeIs } from './checks.ts';
import { zeros } from './creation.ts';

/** The tensor itself when row-major, else a row-major copy. */
export function contiguous(x: Tensor): Tensor {
  checkOperands('contiguous', { x });
  if (x.isContiguous) return x;
  const out = allocateTensor(x.device, x.shape, x.dtype);
  x.device.backend.copy(x.view, out.view);
  record([out], [x], [], ([dOut]) => [dOut]);
  return out;
}

/**
 * x in another dtype: f16 rounds to nearest even, float to integer truncates. Gradients flow between f32 and f16.
 * @throws ConfigError for a name that is no dtype
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  checkOperands('cast', { x });
  dtypeName('cast', 'dtype', dtype);
  if (x.dtype === dtype) return x;
  const out = allocateTensor(x.device, x.shape, dtype);
  x.device.backend.copy(x.view, out.view);
  const from = x.dtype;
  if (isFloat(from) && isFloat(dtype)) record([out], [x], [], ([dOut]) => [cast(dOut!, from)]);
  return out;
}

/**
 * The same values in another shape; one extent may be -1. A view when x is contiguous, else a copy.
 * @throws ShapeError when the sizes differ
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  checkOperands('reshape', { x });
  checkNumbers('reshape', 'shape', shape);
  return tidy(() => {
    const known = shape.reduce((product, extent) => (extent === -1 ? product : product * extent), 1);
    const wild = shape.filter((extent) => extent === -1).length;
    const target = Array.from(shape, (extent) => (extent === -1 ? x.size / known : extent));
    if (wild > 1 || sizeOf(target) !== x.size || !target.every((extent) => Number.isInteger(extent) && extent >= 0)) {
      throw new ShapeError(
        `reshape: the new shape must hold ${x.size} values, got ${formatShape(x.shape)} to ${shown(shape)}.`,
        { from: x.shape, to: shape },
      );
    }
    if (sameShape(x.shape, target)) return x;
    const source = contiguous(x);
    const out = source.alias(target, contiguousStrides(target));
    const original = x.shape;
    record([out], [source], [], ([dOut]) => [reshape(dOut!, original)]);
    if (out.node) out.node.isView = true;
    return out;
  });
}

/** Axes in another order (a view); without `axes` the last two swap. @throws ShapeError */
export function transpose(x: Tensor, axes?: readonly number[]): Tensor {
  checkOperands('transpose', { x });
  if (axes !== undefined) checkNumbers('transpose', 'axes', axes);
  const order = axes?.map((axis) => normalizeAxis('transpose', axis, x.rank)) ?? swapLastTwo(x);
  if (order.length !== x.rank || new Set(order).size !== x.rank) {
    throw new ShapeError(`transpose: axes must name each of ${x.rank} axes once, got ${formatShape(axes ?? [])}.`, {
      axes,
    });
  }
  const out = x.alias(
    order.map((axis) => x.shape[axis]),
    order.map((axis) => x.strides[axis]),
  );
  const inverse = order.map((_, axis) => order.indexOf(axis));
  record([out], [x], [], ([dOut]) => [transpose(dOut!, inverse)]);
  return out;
}

function swapLastTwo(x: Tensor): number[] {
  if (x.rank < 2) throw new ShapeError(`transpose: x needs two axes or more, got ${formatShape(x.shape)}.`);
  const order = x.shape.map((_, axis) => axis);
  [order[x.rank - 2], order[x.rank - 1]] = [x.rank - 1, x.rank - 2];
  return order;
}

/**
 * `x[starts[0]:ends[0], ...]` (a view); axes beyond the lists are whole, negative numbers count from the end.
 *
 * @param starts one whole number for each of the first axes
 * @param ends no longer than `starts`
 * @throws ShapeError
 */
export function slice(x: Tensor, starts: readonly number[], ends: readonly number[]): Tensor {
  checkOperands('slice', { x });
  checkNumbers('slice', 'starts', starts);
  checkNumbers('slice', 'ends', ends);
  if (starts.length > x.rank || ends.length > starts.length) {
    throw new ShapeError(
      `slice: starts must name at most the ${x.rank} axes of ${formatShape(x.shape)} and ends at most those of starts, got ${starts.length} starts and ${ends.length} ends.`,
      { starts, ends },
    );
  }
  const shape = [...x.shape];
  const begin = x.shape.map(() => 0);
  let { offset } = x;
  for (let axis = 0; axis < starts.length; axis++) {
    const extent = x.shape[axis];
    const [from, to] = [starts[axis], axis < ends.length ? ends[axis] : extent].map((at) =>
      at < 0 ? at + extent : at,
    );
    if (!(Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to && to <= extent)) {
      throw new ShapeError(
        `slice: 0 <= start <= end <= extent must hold in whole numbers on every axis, got start ${shown(starts[axis])}, end ${shown(ends[axis])} on axis ${axis} of ${formatShape(x.shape)}.`,
        { starts, ends },
      );
    }
    begin[axis] = from;
    shape[axis] = to - from;
    offset += from * x.strides[axis];
  }
  const out = x.alias(shape, x.strides, offset);
  const whole = x.shape;
  record([out], [x], [], ([dOut]) => [pad(dOut!, whole, begin)]);
  return out;
}

/** Zeros of shape `whole` with x at `begin`: the adjoint of slice. */
function pad(x: Tensor, whole: Shape, begin: readonly number[]): Tensor {
  const out = zeros(whole, { dtype: x.dtype, device: x.device });
  const offset = begin.reduce((sum, from, axis) => sum + from * out.strides[axis], 0);
  x.device.backend.copy(x.view, { ...out.view, shape: x.shape, offset });
  return out;
}

/** x repeated along new axes and axes of extent 1 (a view). @throws ShapeError */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  checkOperands('broadcastTo', { x });
  checkShape('broadcastTo', shape);
  if (sameShape(x.shape, shape)) return x;
  const lead = shape.length - x.rank;
  const fits = lead >= 0 && x.shape.every((extent, axis) => extent === 1 || extent === shape[axis + lead]);
  if (!fits)
    throw new ShapeError(`broadcastTo: ${formatShape(x.shape)} must broadcast to ${formatShape(shape)}; it does not.`, {
      from: x.shape,
      to: shape,
    });
  const strides = shape.map((extent, axis) =>
    axis < lead || (x.shape[axis - lead] === 1 && extent !== 1) ? 0 : x.strides[axis - lead],
  );
  const out = x.alias([...shape], strides);
  const original = x.shape;
  record([out], [x], [], ([dOut]) => [sumTo(dOut!, original)]);
  return out;
}

/** Sums x over the axes along which `shape` would broadcast to it: the adjoint of broadcastTo. Internal, not recorded. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const lead = x.rank - shape.length;
  const axes = x.shape
    .map((_, axis) => axis)
    .filter((axis) => axis < lead || (shape[axis - lead] === 1 && x.shape[axis] !== 1));
  const kept = x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
  const out = allocateTensor(x.device, kept, x.dtype);
  x.device.backend.reduce('sum', x.view, axes, out.view);
  return out.alias(shape, contiguousStrides(shape));
}

/** Without axes of extent 1 (all of them, or those named). @throws ShapeError */
export function squeeze(x: Tensor, axes?: number | readonly number[]): Tensor {
  checkOperands('squeeze', { x });
  const named = axes === undefined ? null : normalizeAxes('squeeze', axes, x.rank);
  const wrong = named?.find((axis) => x.shape[axis] !== 1);
  if (wrong !== undefined)
    throw new ShapeError(`squeeze: axis ${wrong} must have extent 1, got ${x.shape[wrong]}.`, { shape: x.shape });
  return reshape(
    x,
    x.shape.filter((extent, axis) => (named === null ? extent !== 1 : !named.includes(axis))),
  );
}

/** With an axis of extent 1 before `axis` (-1: at the end). */
export function unsqueeze(x: Tensor, axis: number): Tensor {
  checkOperands('unsqueeze', { x });
  const at = normalizeAxis('unsqueeze', axis, x.rank + 1);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

/** Joins tensors along an axis; dtypes, devices and all other extents agree. @throws ShapeError | DTypeError | DeviceError */
export function concat(xs: readonly Tensor[], axis: number): Tensor {
  checkOperandList('concat', 'xs', xs);
  sameDType('concat', ...xs);
  const [first] = xs;
  const at = normalizeAxis('concat', axis, first.rank);
  for (const x of xs) {
    if (x.rank !== first.rank || x.shape.some((extent, i) => i !== at && extent !== first.shape[i])) {
      throw new ShapeError(`concat: tensors must agree in all axes but ${at}, got ${first} and ${x}.`, { axis: at });
    }
  }
  const extents = xs.map((x) => x.shape[at]);
  const out = allocateTensor(
    first.device,
    first.shape.map((extent, i) => (i === at ? extents.reduce((a, b) => a + b, 0) : extent)),
    first.dtype,
  );
  let start = 0;
  for (const x of xs) {
    x.device.backend.copy(x.view, { ...out.view, shape: x.shape, offset: start * out.strides[at] });
    start += x.shape[at];
  }
  record([out], xs, [], ([dOut]) => split(dOut!, extents, at));
  return out;
}

/**
 * Cuts x along an axis into pieces (views): of the given extents, or all of one extent but the last, which may be shorter.
 *
 * @throws ShapeError unless extents add up
 */
export function split(x: Tensor, sizes: number | readonly number[], axis: number): Tensor[] {
  checkOperands('split', { x });
  const at = normalizeAxis('split', axis, x.rank);
  if (typeof sizes === 'number') return split(x, piecesOf(x.shape[at], sizes), at);
  checkShape('split', sizes, 'sizes');
  // A list of our own: the caller may change theirs before backward.
  const extents = [...sizes];
  if (extents.reduce((a, b) => a + b, 0) !== x.shape[at]) {
    throw new ShapeError(`split: sizes must add up to ${x.shape[at]}, got ${formatShape(sizes)}.`, { sizes });
  }
  const starts = extents.map((_, piece) => extents.slice(0, piece).reduce((a, b) => a + b, 0));
  const outs = extents.map((size, piece) => {
    const shape = x.shape.map((extent, i) => (i === at ? size : extent));
    return x.alias(shape, x.strides, x.offset + starts[piece] * x.strides[at]);
  });
  const whole = x.shape;
  record(outs, [x], [], (gradients) => [joinPieces(gradients, starts, extents, whole, at)]);
  return outs;
}

/** Pieces of one size, the last shorter where they do not come out even; of nothing, one that is empty. */
function piecesOf(extent: number, size: number): number[] {
  wholeNumber('split', 'size', size, 1);
  const count = Math.max(1, Math.ceil(extent / size));
  return Array.from({ length: count }, (_, piece) => Math.min(size, extent - piece * size));
}

/** The adjoint of split: every piece in its place, zeros where no gradient came. */
function joinPieces(
  pieces: readonly (Tensor | null)[],
  starts: readonly number[],
  sizes: readonly number[],
  whole: Shape,
  axis: number,
): Tensor {
  const { device, dtype } = pieces.find((piece) => piece !== null)!;
  const out = allocateTensor(device, whole, dtype);
  pieces.forEach((piece, i) => {
    const shape = whole.map((extent, d) => (d === axis ? sizes[i] : extent));
    const place = { ...out.view, shape, offset: starts[i] * out.strides[axis] };
    if (piece) device.backend.copy(piece.view, place);
    else if (sizeOf(shape) > 0) {
      const zero = zeros(shape, { dtype, device });
      device.backend.copy(zero.view, place);
      zero.dispose();
    }
  });
  return out;
}

/** Joins tensors of one shape along a new axis. @throws ShapeError */
export function stack(xs: readonly Tensor[], axis: number): Tensor {
  checkOperandList('stack', 'xs', xs);
  const at = normalizeAxis('stack', axis, xs[0].rank + 1);
  for (const x of xs) shapeIs('stack', 'every tensor', x.shape, xs[0].shape);
  return tidy(() => {
    return concat(
      xs.map((x) => unsqueeze(x, at)),
      at,
    );
  });
}
