import { ShapeError } from '@modajs/errors';
import { type CpuArray, dtypeCode, elementCount, floatBits } from './cpu-array.ts';

/** Elements of a unit of work; `SEGMENT` of assembly/index-space.ts. */
const SEGMENT = 16384;
const MAX_OUTER = 8;
const OPERANDS = 4;

/** An elementwise call, ready to launch. */
export interface IndexSpace {
  readonly words: Int32Array;
  readonly tiles: number;
}

interface Dimension {
  size: number;
  strides: number[];
}

/** Drops axes of length 1 and joins neighbours that every operand steps through alike. */
export function collapse(shape: readonly number[], operands: readonly (readonly number[])[]): Dimension[] {
  const dimensions: Dimension[] = [];
  for (let axis = 0; axis < shape.length; axis++) {
    if (shape[axis] === 1) continue;
    const strides = operands.map((operand) => operand[axis]);
    const previous = dimensions.at(-1);
    if (previous?.strides.every((stride, i) => stride === strides[i] * shape[axis])) {
      previous.size *= shape[axis];
      previous.strides = strides;
    } else dimensions.push({ size: shape[axis], strides });
  }
  return dimensions;
}

/**
 * Arguments of an elementwise kernel over `arrays`, which all have the same shape.
 *
 * @throws ShapeError when more than 9 dimensions remain after joining
 */
export function indexSpace(arrays: readonly CpuArray[], op = 0, alpha = 0, beta = 0): IndexSpace {
  const shape = arrays[arrays.length - 1].shape;
  const words = new Int32Array(8 + OPERANDS * 11 + MAX_OUTER);
  if (elementCount(shape) === 0) return { words, tiles: 0 };
  const dimensions = collapse(
    shape,
    arrays.map((array) => array.strides),
  );
  const inner = dimensions.pop() ?? { size: 1, strides: arrays.map(() => 1) };
  if (dimensions.length > MAX_OUTER) {
    throw new ShapeError(
      `cpu: at most ${MAX_OUTER + 1} axes may stay after joining, got shape [${shape}]. Make an operand contiguous.`,
      { shape },
    );
  }
  const segments = Math.ceil(inner.size / SEGMENT);
  const units = segments * dimensions.reduce((product, { size }) => product * size, 1);
  const unitsPerTile = Math.max(1, Math.floor(SEGMENT / inner.size));
  words.set([op, floatBits(alpha), floatBits(beta), dimensions.length, inner.size, segments, units, unitsPerTile]);
  arrays.forEach(({ address, dtype }, operand) => {
    const outer = dimensions.map(({ strides }) => strides[operand]);
    words.set([address, dtypeCode(dtype), inner.strides[operand], ...outer], 8 + operand * 11);
  });
  words.set(
    dimensions.map(({ size }) => size),
    8 + OPERANDS * 11,
  );
  return { words, tiles: Math.ceil(units / unitsPerTile) };
}
