// Arithmetic and comparisons of i32 and u32: 32-bit wrap-around, division truncates and gives 0 by 0.
import {
  BINARY_ADD, BINARY_DIV, BINARY_EQUAL, BINARY_GREATER, BINARY_GREATER_EQUAL, BINARY_LESS, BINARY_LESS_EQUAL, BINARY_MAXIMUM,
  BINARY_MINIMUM, BINARY_MUL, BINARY_NOT_EQUAL, BINARY_POW, BINARY_SUB, UNARY_ABS, UNARY_AFFINE, UNARY_CLAMP, UNARY_FLOOR,
  UNARY_NEG, UNARY_RELU, UNARY_SIGN, UNARY_SQUARE,
} from '../src/generated/operators';
import { DTYPE_U32 } from '../src/abi/operators';
import { IndexSpace, operandAddress, operandDtype, operandStride, SEGMENT } from './index-space';

/** a^b by repeated squaring, wrapping; a negative exponent gives 1 / a^-b, truncated. */
function power(a: i64, b: i64): i64 {
  if (b < 0) return a == 1 ? 1 : a == -1 ? ((b & 1) == 0 ? 1 : -1) : 0;
  let result: i64 = 1;
  for (; b > 0; b >>= 1) {
    if ((b & 1) != 0) result *= a;
    a *= a;
  }
  return result;
}

function apply(op: i32, x: i64, alpha: i64, beta: i64): i64 {
  switch (op) {
    case UNARY_NEG: return -x;
    case UNARY_ABS: return x < 0 ? -x : x;
    case UNARY_SIGN: return x > 0 ? 1 : x < 0 ? -1 : 0;
    case UNARY_FLOOR: return x;
    case UNARY_SQUARE: return x * x;
    case UNARY_RELU: return max<i64>(x, 0);
    case UNARY_AFFINE: return alpha * x + beta;
    case UNARY_CLAMP: return min(max(x, alpha), beta);
    default: unreachable();
  }
  return 0;
}

function compute(op: i32, a: i64, b: i64): i64 {
  switch (op) {
    case BINARY_ADD: return a + b;
    case BINARY_SUB: return a - b;
    case BINARY_MUL: return a * b;
    case BINARY_DIV: return b == 0 ? 0 : a / b;
    case BINARY_POW: return power(a, b);
    case BINARY_MAXIMUM: return max(a, b);
    case BINARY_MINIMUM: return min(a, b);
    case BINARY_EQUAL: return a == b ? 1 : 0;
    case BINARY_NOT_EQUAL: return a != b ? 1 : 0;
    case BINARY_LESS: return a < b ? 1 : 0;
    case BINARY_LESS_EQUAL: return a <= b ? 1 : 0;
    case BINARY_GREATER: return a > b ? 1 : 0;
    case BINARY_GREATER_EQUAL: return a >= b ? 1 : 0;
    default: unreachable();
  }
  return 0;
}

// @ts-ignore: decorator
@inline function widen(address: usize, isUnsigned: bool): i64 { return isUnsigned ? <i64>load<u32>(address) : <i64>load<i32>(address); }

/** One tile of `unary` on integers; operands: x, out, both of one dtype. `alpha` and `beta` are whole numbers of that dtype. */
export function integerUnary(space: usize, tile: i32): void {
  const s = changetype<IndexSpace>(space);
  const isUnsigned = operandDtype(space, 0) == DTYPE_U32;
  const alpha = widen(space + 4, isUnsigned), beta = widen(space + 8, isUnsigned);
  const last = min(s.units, (tile + 1) * s.unitsPerTile);
  for (let unit = tile * s.unitsPerTile; unit < last; unit++) {
    const row = unit / s.segmentsPerRow;
    const begin = (unit - row * s.segmentsPerRow) * SEGMENT;
    const end = min(s.inner, begin + SEGMENT);
    for (let i = begin; i < end; i++) {
      const x = widen(operandAddress(space, 0, row, i), isUnsigned);
      store<i32>(operandAddress(space, 1, row, i), <i32>apply(s.op, x, alpha, beta));
    }
  }
}

/** One tile of `binary` on integers; operands: a, b, out, all of one dtype. */
export function integerBinary(space: usize, tile: i32): void {
  const s = changetype<IndexSpace>(space);
  const isUnsigned = operandDtype(space, 0) == DTYPE_U32;
  const last = min(s.units, (tile + 1) * s.unitsPerTile);
  for (let unit = tile * s.unitsPerTile; unit < last; unit++) {
    const row = unit / s.segmentsPerRow;
    const begin = (unit - row * s.segmentsPerRow) * SEGMENT;
    const end = min(s.inner, begin + SEGMENT);
    for (let i = begin; i < end; i++) {
      const a = widen(operandAddress(space, 0, row, i), isUnsigned);
      const b = widen(operandAddress(space, 1, row, i), isUnsigned);
      store<i32>(operandAddress(space, 2, row, i), <i32>compute(s.op, a, b));
    }
  }
}

/** One tile of `where` on integers; operands: condition, b, c, out. Moves bits. */
export function integerWhere(space: usize, tile: i32): void {
  const s = changetype<IndexSpace>(space);
  const last = min(s.units, (tile + 1) * s.unitsPerTile);
  for (let unit = tile * s.unitsPerTile; unit < last; unit++) {
    const row = unit / s.segmentsPerRow;
    const begin = (unit - row * s.segmentsPerRow) * SEGMENT;
    const end = min(s.inner, begin + SEGMENT);
    for (let i = begin; i < end; i++) {
      // A float condition of -0 is false too: the sign bit is dropped.
      const bits = load<i32>(operandAddress(space, 0, row, i));
      const isFalse = operandDtype(space, 0) == 0 ? bits << 1 == 0 : bits == 0;
      const from = isFalse ? operandAddress(space, 2, row, i) : operandAddress(space, 1, row, i);
      store<i32>(operandAddress(space, 3, row, i), load<i32>(from));
    }
  }
}
