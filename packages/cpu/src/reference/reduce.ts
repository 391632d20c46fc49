import type { Round } from './round.ts';
import { elementCount } from './strided-array.ts';

/** What a reduction computes. Empty `sum` and `sumSquares` are 0, empty `max` -Infinity, empty `min` +Infinity. */
export type Reduction = 'sum' | 'max' | 'min' | 'sumSquares';

const start = { sum: 0, sumSquares: 0, max: -Infinity, min: Infinity };

/**
 * Reduces `axes` of row-major `x`; the result has those axes of length 1.
 * Sums run in row-major order with `round` after each addition; NaN propagates through `max` and `min`.
 */
export function reduceReference(
  op: Reduction,
  x: Float64Array,
  shape: readonly number[],
  axes: readonly number[],
  round: Round,
): Float64Array {
  const outShape = shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
  const out = new Float64Array(elementCount(outShape)).fill(start[op]);
  const position = new Array<number>(shape.length).fill(0);
  for (let index = 0; index < x.length; index++) {
    let target = 0;
    for (let axis = 0; axis < shape.length; axis++) {
      target = target * outShape[axis] + (outShape[axis] === 1 ? 0 : position[axis]);
    }
    out[target] = combine(op, out[target], x[index], round);
    for (let axis = shape.length - 1; axis >= 0 && ++position[axis] === shape[axis]; axis--) position[axis] = 0;
  }
  return out;
}

function combine(op: Reduction, total: number, value: number, round: Round): number {
  if (op === 'sum') return round(total + value);
  if (op === 'sumSquares') return round(total + round(value * value));
  return op === 'max' ? Math.max(total, value) : Math.min(total, value);
}

/** Index of the first maximum of each row of `columns` values; a NaN counts as the largest, as in PyTorch. */
export function argmaxReference(x: Float64Array, columns: number): Float64Array {
  const out = new Float64Array(columns === 0 ? 0 : x.length / columns);
  for (let row = 0; row < out.length; row++) {
    let best = x[row * columns];
    for (let j = 1; j < columns && !Number.isNaN(best); j++) {
      const value = x[row * columns + j];
      if (value > best || Number.isNaN(value)) {
        best = value;
        out[row] = j;
      }
    }
  }
  return out;
}
