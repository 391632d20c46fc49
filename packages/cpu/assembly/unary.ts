// Elementwise operators of one argument, one vectorised loop each.
import {
  UNARY_ABS, UNARY_AFFINE, UNARY_CLAMP, UNARY_COS, UNARY_EXP, UNARY_FLOOR, UNARY_GELU, UNARY_GELU_ERF, UNARY_LOG, UNARY_NEG,
  UNARY_NOT_FINITE, UNARY_POW_SCALAR, UNARY_RECIPROCAL, UNARY_RELU, UNARY_RSQRT, UNARY_SIGMOID, UNARY_SIGN, UNARY_SILU, UNARY_SIN,
  UNARY_SQRT, UNARY_SQUARE, UNARY_TANH,
} from '../src/abi/operators';
import { CHUNK, readRun, writeRun } from './elements';
import { IndexSpace, operandAddress, operandDtype, operandStride, SEGMENT } from './index-space';
import { erf4, exp4, log4, multiplyAdd, sigmoid4, sine4, splat, tanh4 } from './simd-math';
import { scratch } from './thread';

/** sqrt(2 / pi), of GPT-2's approximation of GELU. */
const GELU_SLOPE: f32 = 0.7978845608028654;

/** GELU, tanh approximation. */
// @ts-ignore: decorator
@inline export function gelu4(x: v128): v128 {
  const cube = f32x4.mul(f32x4.mul(x, x), x);
  const inner = f32x4.mul(splat(GELU_SLOPE), multiplyAdd(splat(0.044715), cube, x));
  return f32x4.mul(f32x4.mul(splat(0.5), x), f32x4.add(splat(1.0), tanh4(inner)));
}

/** x * sigmoid(x); 0 at -Inf. */
// @ts-ignore: decorator
@inline export function silu4(x: v128): v128 {
  return v128.andnot(f32x4.mul(x, sigmoid4(x)), f32x4.eq(x, splat(-Infinity)));
}

/** x^alpha has no vector form here. */
// @ts-ignore: decorator
@inline function power4(x: v128, alpha: v128): v128 {
  const a = f32x4.extract_lane(alpha, 0);
  return f32x4(
    NativeMathf.pow(f32x4.extract_lane(x, 0), a), NativeMathf.pow(f32x4.extract_lane(x, 1), a),
    NativeMathf.pow(f32x4.extract_lane(x, 2), a), NativeMathf.pow(f32x4.extract_lane(x, 3), a),
  );
}

// @ts-ignore: decorator
@inline function sign4(x: v128): v128 {
  const one = v128.or(splat(1.0), v128.and(x, i32x4.splat(0x80000000)));
  return v128.bitselect(x, one, v128.or(f32x4.eq(x, splat(0)), f32x4.ne(x, x)));
}

// @ts-ignore: decorator
@inline function unary4(op: i32, x: v128, alpha: v128, beta: v128): v128 {
  if (op == UNARY_NEG) return f32x4.neg(x);
  if (op == UNARY_ABS) return f32x4.abs(x);
  if (op == UNARY_SIGN) return sign4(x);
  if (op == UNARY_FLOOR) return f32x4.floor(x);
  if (op == UNARY_EXP) return exp4(x);
  if (op == UNARY_LOG) return log4(x);
  if (op == UNARY_SQRT) return f32x4.sqrt(x);
  if (op == UNARY_RSQRT) return f32x4.div(splat(1.0), f32x4.sqrt(x));
  if (op == UNARY_RECIPROCAL) return f32x4.div(splat(1.0), x);
  if (op == UNARY_SQUARE) return f32x4.mul(x, x);
  if (op == UNARY_TANH) return tanh4(x);
  if (op == UNARY_SIGMOID) return sigmoid4(x);
  if (op == UNARY_RELU) return v128.bitselect(f32x4.mul(x, splat(0)), x, f32x4.le(x, splat(0)));
  if (op == UNARY_SILU) return silu4(x);
  if (op == UNARY_GELU) return gelu4(x);
  if (op == UNARY_GELU_ERF) {
    const erf = erf4(f32x4.mul(x, splat(0.70710678118654752)));
    return f32x4.mul(f32x4.mul(splat(0.5), x), f32x4.add(splat(1.0), erf));
  }
  if (op == UNARY_AFFINE) return multiplyAdd(alpha, x, beta);
  if (op == UNARY_CLAMP) return f32x4.min(f32x4.max(x, alpha), beta);
  if (op == UNARY_NOT_FINITE) {
    const exponent = v128.and(x, i32x4.splat(0x7f800000));
    return v128.and(i32x4.eq(exponent, i32x4.splat(0x7f800000)), splat(1.0));
  }
  if (op == UNARY_SIN) return sine4(x, 0);
  if (op == UNARY_COS) return sine4(x, 1);
  if (op == UNARY_POW_SCALAR) return power4(x, alpha);
  return splat(NaN); // no operator
}

// @ts-ignore: decorator
@inline function loop(op: i32, x: usize, out: usize, n: i32, alpha: v128, beta: v128, pad: usize): void {
  let i = 0;
  for (; i + 4 <= n; i += 4) v128.store(out + (i << 2), unary4(op, v128.load(x + (i << 2)), alpha, beta));
  if (i < n) {
    memory.copy(pad, x + (i << 2), (n - i) << 2);
    v128.store(pad, unary4(op, v128.load(pad), alpha, beta));
    memory.copy(out + (i << 2), pad, (n - i) << 2);
  }
}

function contiguous(op: i32, x: usize, out: usize, n: i32, alpha: v128, beta: v128, pad: usize): void {
  switch (op) {
    case UNARY_NEG: loop(UNARY_NEG, x, out, n, alpha, beta, pad); break;
    case UNARY_ABS: loop(UNARY_ABS, x, out, n, alpha, beta, pad); break;
    case UNARY_SIGN: loop(UNARY_SIGN, x, out, n, alpha, beta, pad); break;
    case UNARY_FLOOR: loop(UNARY_FLOOR, x, out, n, alpha, beta, pad); break;
    case UNARY_EXP: loop(UNARY_EXP, x, out, n, alpha, beta, pad); break;
    case UNARY_LOG: loop(UNARY_LOG, x, out, n, alpha, beta, pad); break;
    case UNARY_SQRT: loop(UNARY_SQRT, x, out, n, alpha, beta, pad); break;
    case UNARY_RSQRT: loop(UNARY_RSQRT, x, out, n, alpha, beta, pad); break;
    case UNARY_RECIPROCAL: loop(UNARY_RECIPROCAL, x, out, n, alpha, beta, pad); break;
    case UNARY_SQUARE: loop(UNARY_SQUARE, x, out, n, alpha, beta, pad); break;
    case UNARY_SIN: loop(UNARY_SIN, x, out, n, alpha, beta, pad); break;
    case UNARY_COS: loop(UNARY_COS, x, out, n, alpha, beta, pad); break;
    case UNARY_TANH: loop(UNARY_TANH, x, out, n, alpha, beta, pad); break;
    case UNARY_SIGMOID: loop(UNARY_SIGMOID, x, out, n, alpha, beta, pad); break;
    case UNARY_RELU: loop(UNARY_RELU, x, out, n, alpha, beta, pad); break;
    case UNARY_SILU: loop(UNARY_SILU, x, out, n, alpha, beta, pad); break;
    case UNARY_GELU: loop(UNARY_GELU, x, out, n, alpha, beta, pad); break;
    case UNARY_GELU_ERF: loop(UNARY_GELU_ERF, x, out, n, alpha, beta, pad); break;
    case UNARY_AFFINE: loop(UNARY_AFFINE, x, out, n, alpha, beta, pad); break;
    case UNARY_POW_SCALAR: loop(UNARY_POW_SCALAR, x, out, n, alpha, beta, pad); break;
    case UNARY_CLAMP: loop(UNARY_CLAMP, x, out, n, alpha, beta, pad); break;
    case UNARY_NOT_FINITE: loop(UNARY_NOT_FINITE, x, out, n, alpha, beta, pad); break;
    default: unreachable();
  }
}

/** One tile of `unary`; operands of the index space: x, out. */
export function unary(space: usize, tile: i32): void {
  const s = changetype<IndexSpace>(space);
  const alpha = splat(s.alpha);
  const beta = splat(s.beta);
  const xBuffer = scratch();
  const outBuffer = xBuffer + 2048;
  const xDtype = operandDtype(space, 0), xStride = operandStride(space, 0);
  const outDtype = operandDtype(space, 1), outStride = operandStride(space, 1);
  const direct = outDtype == 0 && outStride == 1;
  const span = direct && xDtype == 0 && xStride == 1 ? SEGMENT : CHUNK;
  const last = min(s.units, (tile + 1) * s.unitsPerTile);
  for (let unit = tile * s.unitsPerTile; unit < last; unit++) {
    const row = unit / s.segmentsPerRow;
    const begin = (unit - row * s.segmentsPerRow) * SEGMENT;
    const end = min(s.inner, begin + SEGMENT);
    for (let i = begin; i < end; i += span) {
      const n = min(span, end - i);
      const x = readRun(operandAddress(space, 0, row, i), xStride, xDtype, n, xBuffer);
      const address = operandAddress(space, 1, row, i);
      const out = direct ? address : outBuffer;
      contiguous(s.op, x, out, n, alpha, beta, xBuffer + 8192);
      if (!direct) writeRun(out, address, outStride, outDtype, n);
    }
  }
}
