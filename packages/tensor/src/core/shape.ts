import { ShapeError } from './errors.ts';
import { shown } from './value-checks.ts';

export type Shape = readonly number[];

export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

/** Row-major strides, elements. */
export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/** True when elements lie row-major without gaps (axes of extent 1 may have any stride). */
export function isContiguous(shape: Shape, strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] === 0) return true;
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** Checks that `shape` is a list of whole numbers >= 0. @throws ShapeError */
export function checkShape(operation: string, shape: Shape, name = 'shape'): void {
  checkNumbers(operation, name, shape);
  // An index, for `every` skips holes.
  for (let axis = 0; axis < shape.length; axis++) {
    if (Number.isSafeInteger(shape[axis]) && shape[axis] >= 0) continue;
    throw new ShapeError(`${operation}: every extent of ${name} must be a whole number >= 0, got ${shown(shape)}.`, {
      shape,
    });
  }
}

/** Checks that `list` is a list; what is in it is the caller's to check. @throws ShapeError */
export function checkNumbers(operation: string, name: string, list: unknown): asserts list is readonly unknown[] {
  if (Array.isArray(list)) return;
  throw new ShapeError(
    `${operation}: ${name} must be a list of whole numbers, got ${shown(list)}. Use ${Number.isInteger(list) ? `[${list}]` : 'a list, such as [2, 3]'}.`,
  );
}

/** The common shape of a and b, NumPy's rule. @throws ShapeError */
export function broadcastShapes(operation: string, a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  const result = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const x = a[a.length - i] ?? 1;
    const y = b[b.length - i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new ShapeError(
        `${operation}: shapes must be equal or broadcast, got ${formatShape(a)} and ${formatShape(b)}. Axis -${i} has ${x} and ${y}.`,
        { a, b },
      );
    }
    result[rank - i] = x === 1 ? y : x;
  }
  return result;
}

/** Axis in 0..rank-1 from one that may be negative. @throws ShapeError */
export function normalizeAxis(operation: string, axis: number, rank: number): number {
  const result = typeof axis === 'number' && axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || result < 0 || result >= rank) {
    throw new ShapeError(`${operation}: axis must be whole and in ${-rank}..${rank - 1}, got ${shown(axis)}.`, {
      axis,
      rank,
    });
  }
  return result;
}

/** Sorted distinct axes; all of them when `axes` is undefined. @throws ShapeError */
export function normalizeAxes(operation: string, axes: number | readonly number[] | undefined, rank: number): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, axis) => axis);
  const given = typeof axes === 'number' ? [axes] : axes;
  checkNumbers(operation, 'axes', given);
  const list = Array.from(given, (axis) => normalizeAxis(operation, axis, rank));
  const distinct = [...new Set(list)].sort((x, y) => x - y);
  if (distinct.length !== list.length) {
    throw new ShapeError(`${operation}: axes must differ, got ${formatShape(list)}.`, { axes });
  }
  return distinct;
}
