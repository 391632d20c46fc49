import { record } from '../core/autograd.ts';
import { tidy } from '../core/scope.ts';
import { contiguousStrides, sizeOf } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import { type AtIndex, type ParsedIndices, parseIndices } from './at-index.ts';
import { checkOperands } from './checks.ts';
import { zeros } from './creation.ts';
import { add, greaterEqual, less, maximum, where } from './elementwise.ts';
import { indexTensor, takeAt } from './indices.ts';
import { flip } from './rearrange.ts';
import { affine } from './unary.ts';
import { reshape, transpose } from './views.ts';

/**
 * `x[...]` as in NumPy and PyTorch: `at(x, 0, '1:', '::2')` is `x[0, 1:, ::2]`, `at(x, '...', null, [2, 0])` is `x[..., None, [2, 0]]`.
 *
 * - a number takes one element and the axis away; negative ones count from the end
 * - `'start:stop:step'` keeps every step-th element, each part optional; bounds beyond an end mean that end; a negative step goes backwards
 * - `null` is a new axis of extent 1, `'...'` stands for all axes between; axes without an index are whole
 * - a list, or an i32 or u32 tensor of any shape, picks elements. Several broadcast together and pick element by element; their axes come
 *   where the first stood, or in front when a slice lies between them (PyTorch's rule)
 *
 * A view where numbers and slices with steps above 0 suffice (`assign(at(x, 0), 1)` writes x's memory), else a copy. The gradient adds up
 * where an element is picked twice.
 *
 * @throws ShapeError for an index out of range, with its axis and size, and for too many; ConfigError for what is no index; DTypeError
 *   for index tensors that are not integer. A tensor's indices are not waited for: one out of range reads NaN, 0 among integers
 */
export function at(x: Tensor, ...indices: readonly AtIndex[]): Tensor {
  const device = checkOperands('at', { x });
  return tidy(() => {
    const parsed = parseIndices(x.shape, x.strides, indices);
    const ids = parsed.picked.map(({ name, indices: given, source }) =>
      indexTensor('at', name, given, x.shape, source, device),
    );
    const seen = flip(viewOf(x, parsed, indices), parsed.flipped);
    const axes = parsed.picked.map(({ axis }) => axis);
    if (ids.length === 0) return seen;
    return ids.length === 1 ? takeAt(seen, ids[0], axes[0]) : pickTogether(seen, ids, axes);
  });
}

/** The view, whose gradient goes to its place among zeros. */
function viewOf(x: Tensor, { shape, strides, offset }: ParsedIndices, indices: readonly AtIndex[]): Tensor {
  const { shape: whole, dtype, device } = x;
  const out = x.alias(shape, strides, x.offset + offset);
  record([out], [x], [], ([dOut]) => {
    const dx = zeros(whole, { dtype, device });
    const place = parseIndices(whole, dx.strides, indices);
    device.backend.copy(dOut!.view, { ...dx.view, shape: place.shape, strides: place.strides, offset: place.offset });
    return [dx];
  });
  return out;
}

/** x at several index tensors of `indexTensor` that broadcast together: their axes become one. */
function pickTogether(x: Tensor, ids: readonly Tensor[], axes: readonly number[]): Tensor {
  const isTogether = axes.every((axis, i) => axis === axes[0] + i);
  const place = isTogether ? axes[0] : 0;
  const others = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const [before, after] = [others.slice(0, place), others.slice(place)];
  const extents = axes.map((axis) => x.shape[axis]);
  const extentsOf = (list: readonly number[]): number[] => list.map((axis) => x.shape[axis]);
  const merged = reshape(transpose(x, [...before, ...axes, ...after]), [
    ...extentsOf(before),
    sizeOf(extents),
    ...extentsOf(after),
  ]);
  const steps = contiguousStrides(extents);
  const position = ids.map((id, i) => affine(id, steps[i], 0)).reduce((a, b) => add(a, b));
  const isOutside = ids
    .map((id, i) => maximum(less(id, 0), greaterEqual(id, extents[i])))
    .reduce((a, b) => maximum(a, b));
  return takeAt(merged, where(isOutside, -1, position), place);
}
