// The index space of an elementwise call: rows of `inner` elements, the rows indexed by up to 8 outer dimensions.
// A tile is `unitsPerTile` units; a unit is one segment of at most SEGMENT elements of one row.

import { elementShift } from './elements';

/** Elements of a unit. */
export const SEGMENT = 16384;

@unmanaged
export class IndexSpace {
  op: i32;
  alpha: f32;
  beta: f32;
  outerRank: i32;
  inner: i32;
  segmentsPerRow: i32;
  units: i32;
  unitsPerTile: i32;
}

const HEADER_BYTES: usize = 32;
/** An operand: address, dtype, inner stride, then 8 outer strides; strides in elements. */
const OPERAND_BYTES: usize = 44;
const OUTER_SIZES: usize = HEADER_BYTES + 4 * OPERAND_BYTES;

// @ts-ignore: decorator
@inline export function operandDtype(space: usize, index: i32): i32 { return load<i32>(space + HEADER_BYTES + index * OPERAND_BYTES, 4); }

// @ts-ignore: decorator
@inline export function operandStride(space: usize, index: i32): i32 { return load<i32>(space + HEADER_BYTES + index * OPERAND_BYTES, 8); }

/** Address of element `first` of row `row` of an operand. */
export function operandAddress(space: usize, index: i32, row: i32, first: i32): usize {
  const operand = space + HEADER_BYTES + index * OPERAND_BYTES;
  let element = first * load<i32>(operand, 8);
  let rest = <u32>row;
  for (let axis = load<i32>(space, 12) - 1; axis >= 0; axis--) {
    const size = load<u32>(space + OUTER_SIZES + (axis << 2));
    const quotient = rest / size;
    element += (rest - quotient * size) * load<i32>(operand + 12 + (axis << 2));
    rest = quotient;
  }
  return load<usize>(operand) + (element << elementShift(load<i32>(operand, 4)));
}
