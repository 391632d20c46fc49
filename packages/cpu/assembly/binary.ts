// Elementwise operators of two arguments, one vectorised loop each.
import {
  BINARY_ADD, BINARY_DIV, BINARY_EQUAL, BINARY_GELU_ERF_GRAD, BINARY_GELU_GRAD, BINARY_GREATER, BINARY_GREATER_EQUAL, BINARY_LESS,
  BINARY_LESS_EQUAL, BINARY_MAXIMUM, BINARY_MINIMUM, BINARY_MUL, BINARY_NOT_EQUAL, BINARY_POW, BINARY_RELU_GRAD,
  BINARY_SIGMOID_GRAD_FROM_OUTPUT, BINARY_SILU_GRAD, BINARY_SUB, BINARY_SWIGLU, BINARY_TANH_GRAD_FROM_OUTPUT,
} from '../src/generated/operators';
import { CHUNK, readRun, writeRun } from './elements';
import { IndexSpace, operandAddress, operandDtype, operandStride, SEGMENT } from './index-space';
import { erf4, exp4, multiplyAdd, sigmoid4, splat } from './simd-math';
import { scratch } from './thread';
import { silu4 } from './unary';

// @ts-ignore: decorator
@inline function boolean(mask: v128): v128 { return v128.and(mask, splat(1.0)); }

/** silu'(x) = s (1 + x (1 - s)), s = sigmoid(x). */
// @ts-ignore: decorator
@inline export function siluSlope4(x: v128): v128 {
  const s = sigmoid4(x);
  return f32x4.mul(s, multiplyAdd(x, f32x4.sub(splat(1.0), s), splat(1.0)));
}

// @ts-ignore: decorator
@inline function geluSlope4(x: v128): v128 {
  const square = f32x4.mul(x, x);
  const inner = f32x4.mul(f32x4.mul(splat(0.7978845608028654), x), multiplyAdd(splat(0.044715), square, splat(1.0)));
  const s = sigmoid4(f32x4.mul(splat(2.0), inner));
  const slope = f32x4.mul(splat(0.7978845608028654), multiplyAdd(splat(0.134145), square, splat(1.0)));
  // s = (1 + tanh) / 2 and 4 s (1 - s) = 1 - tanh^2.
  const bell = f32x4.mul(splat(2.0), f32x4.mul(s, f32x4.sub(splat(1.0), s)));
  return multiplyAdd(f32x4.mul(x, bell), slope, s);
}

// @ts-ignore: decorator
@inline function geluErfSlope4(x: v128): v128 {
  const cdf = f32x4.mul(splat(0.5), f32x4.add(splat(1.0), erf4(f32x4.mul(x, splat(0.70710678118654752)))));
  const density = f32x4.mul(splat(0.3989422804014327), exp4(f32x4.mul(f32x4.mul(x, x), splat(-0.5))));
  return multiplyAdd(x, density, cdf);
}

// @ts-ignore: decorator
@inline function pow4(a: v128, b: v128): v128 {
  return f32x4(
    NativeMathf.pow(f32x4.extract_lane(a, 0), f32x4.extract_lane(b, 0)),
    NativeMathf.pow(f32x4.extract_lane(a, 1), f32x4.extract_lane(b, 1)),
    NativeMathf.pow(f32x4.extract_lane(a, 2), f32x4.extract_lane(b, 2)),
    NativeMathf.pow(f32x4.extract_lane(a, 3), f32x4.extract_lane(b, 3)),
  );
}

// @ts-ignore: decorator
@inline function binary4(op: i32, a: v128, b: v128): v128 {
  if (op == BINARY_ADD) return f32x4.add(a, b);
  if (op == BINARY_SUB) return f32x4.sub(a, b);
  if (op == BINARY_MUL) return f32x4.mul(a, b);
  if (op == BINARY_DIV) return f32x4.div(a, b);
  if (op == BINARY_POW) return pow4(a, b);
  if (op == BINARY_MAXIMUM) return f32x4.max(a, b);
  if (op == BINARY_MINIMUM) return f32x4.min(a, b);
  if (op == BINARY_EQUAL) return boolean(f32x4.eq(a, b));
  if (op == BINARY_NOT_EQUAL) return boolean(f32x4.ne(a, b));
  if (op == BINARY_LESS) return boolean(f32x4.lt(a, b));
  if (op == BINARY_LESS_EQUAL) return boolean(f32x4.le(a, b));
  if (op == BINARY_GREATER) return boolean(f32x4.gt(a, b));
  if (op == BINARY_GREATER_EQUAL) return boolean(f32x4.ge(a, b));
  if (op == BINARY_SWIGLU) return f32x4.mul(silu4(a), b);
  if (op == BINARY_SILU_GRAD) return f32x4.mul(siluSlope4(a), b);
  if (op == BINARY_GELU_GRAD) return f32x4.mul(geluSlope4(a), b);
  if (op == BINARY_GELU_ERF_GRAD) return f32x4.mul(geluErfSlope4(a), b);
  if (op == BINARY_RELU_GRAD) return v128.andnot(b, f32x4.le(a, splat(0)));
  if (op == BINARY_TANH_GRAD_FROM_OUTPUT) return f32x4.mul(f32x4.sub(splat(1.0), f32x4.mul(a, a)), b);
  if (op == BINARY_SIGMOID_GRAD_FROM_OUTPUT) return f32x4.mul(f32x4.mul(a, f32x4.sub(splat(1.0), a)), b);
  return splat(NaN); // no operator
}

// @ts-ignore: decorator
@inline function loop(op: i32, a: usize, b: usize, out: usize, n: i32, pad: usize): void {
  let i = 0;
  for (; i + 4 <= n; i += 4) v128.store(out + (i << 2), binary4(op, v128.load(a + (i << 2)), v128.load(b + (i << 2))));
  if (i < n) {
    memory.copy(pad, a + (i << 2), (n - i) << 2);
    memory.copy(pad + 16, b + (i << 2), (n - i) << 2);
    v128.store(pad, binary4(op, v128.load(pad), v128.load(pad + 16)));
    memory.copy(out + (i << 2), pad, (n - i) << 2);
  }
}

function contiguous(op: i32, a: usize, b: usize, out: usize, n: i32, pad: usize): void {
  switch (op) {
    case BINARY_ADD: loop(BINARY_ADD, a, b, out, n, pad); break;
    case BINARY_SUB: loop(BINARY_SUB, a, b, out, n, pad); break;
    case BINARY_MUL: loop(BINARY_MUL, a, b, out, n, pad); break;
    case BINARY_DIV: loop(BINARY_DIV, a, b, out, n, pad); break;
    case BINARY_POW: loop(BINARY_POW, a, b, out, n, pad); break;
    case BINARY_MAXIMUM: loop(BINARY_MAXIMUM, a, b, out, n, pad); break;
    case BINARY_MINIMUM: loop(BINARY_MINIMUM, a, b, out, n, pad); break;
    case BINARY_EQUAL: loop(BINARY_EQUAL, a, b, out, n, pad); break;
    case BINARY_NOT_EQUAL: loop(BINARY_NOT_EQUAL, a, b, out, n, pad); break;
    case BINARY_LESS: loop(BINARY_LESS, a, b, out, n, pad); break;
    case BINARY_LESS_EQUAL: loop(BINARY_LESS_EQUAL, a, b, out, n, pad); break;
    case BINARY_GREATER: loop(BINARY_GREATER, a, b, out, n, pad); break;
    case BINARY_GREATER_EQUAL: loop(BINARY_GREATER_EQUAL, a, b, out, n, pad); break;
    case BINARY_SWIGLU: loop(BINARY_SWIGLU, a, b, out, n, pad); break;
    case BINARY_SILU_GRAD: loop(BINARY_SILU_GRAD, a, b, out, n, pad); break;
    case BINARY_GELU_GRAD: loop(BINARY_GELU_GRAD, a, b, out, n, pad); break;
    case BINARY_GELU_ERF_GRAD: loop(BINARY_GELU_ERF_GRAD, a, b, out, n, pad); break;
    case BINARY_RELU_GRAD: loop(BINARY_RELU_GRAD, a, b, out, n, pad); break;
    case BINARY_TANH_GRAD_FROM_OUTPUT: loop(BINARY_TANH_GRAD_FROM_OUTPUT, a, b, out, n, pad); break;
    case BINARY_SIGMOID_GRAD_FROM_OUTPUT: loop(BINARY_SIGMOID_GRAD_FROM_OUTPUT, a, b, out, n, pad); break;
    default: unreachable();
  }
}

/** One tile of `binary`; operands of the index space: a, b, out. */
export function binary(space: usize, tile: i32): void {
  const s = changetype<IndexSpace>(space);
  const buffer = scratch();
  const aDtype = operandDtype(space, 0), aStride = operandStride(space, 0);
  const bDtype = operandDtype(space, 1), bStride = operandStride(space, 1);
  const outDtype = operandDtype(space, 2), outStride = operandStride(space, 2);
  const direct = outDtype == 0 && outStride == 1;
  const span = direct && aDtype == 0 && aStride == 1 && bDtype == 0 && bStride == 1 ? SEGMENT : CHUNK;
  const last = min(s.units, (tile + 1) * s.unitsPerTile);
  for (let unit = tile * s.unitsPerTile; unit < last; unit++) {
    const row = unit / s.segmentsPerRow;
    const begin = (unit - row * s.segmentsPerRow) * SEGMENT;
    const end = min(s.inner, begin + SEGMENT);
    for (let i = begin; i < end; i += span) {
      const n = min(span, end - i);
      const a = readRun(operandAddress(space, 0, row, i), aStride, aDtype, n, buffer);
      const b = readRun(operandAddress(space, 1, row, i), bStride, bDtype, n, buffer + 2048);
      const address = operandAddress(space, 2, row, i);
      const out = direct ? address : buffer + 4096;
      contiguous(s.op, a, b, out, n, buffer + 8192);
      if (!direct) writeRun(out, address, outStride, outDtype, n);
    }
  }
}
