// Elementwise operators of one argument, one vectorised loop each.
import {
  UNARY_ABS, UNARY_AFFINE, UNARY_CLAMP, UNARY_COS, UNARY_ERF, UNARY_EXP, UNARY_EXPM1, UNARY_FLOOR, UNARY_GELU, UNARY_GELU_ERF, UNARY_LOG, UNARY_NEG,
  UNARY_NOT_FINITE, UNARY_POW_SCALAR, UNARY_RECIPROCAL, UNARY_RELU, UNARY_RSQRT, UNARY_SIGMOID, UNARY_SIGN, UNARY_SILU, UNARY_SIN, UNARY_SOFTCAP,
  UNARY_SQRT, UNARY_SQUARE, UNARY_TANH,
} from '../src/generated/operators';
import { CHUNK, readRun, writeRun } from './elements';
import { IndexSpace, operandAddress, operandDtype, operandStride, SEGMENT } from './index-space';
import { erf4, exp4, log4, multiplyAdd, sigmoid4, sine4, splat, tanh4 } from './simd-math';
import { scratch } from './thread';

/** sqrt(2 / pi), of GPT-2's approximation of GELU. */
const GELU_SLOPE: f32 = 0.7978845608028654;

/** GELU, tanh approximation: (1 + tanh u) / 2 is the sigmoid of 2 u, which loses no digits far below 0. */
// @ts-ignore: decorator
@inline export function gelu4(x: v128): v128 {
  const cube = f32x4.mul(f32x4.mul(x, x), x);
  const inner = f32x4.mul(splat(2 * GELU_SLOPE), multiplyAdd(splat(0.044715), cube, x));
  return f32x4.mul(x, sigmoid4(inner));
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
  if (a == 0.5) return f32x4.sqrt(x);
  if (a == -0.5) return f32x4.div(splat(1.0), f32x4.sqrt(x));
  return f32x4(
    NativeMathf.pow(f32x4.extract_lane(x, 0), a), NativeMathf.pow(f32x4.extract_lane(x, 1), a),
    NativeMathf.pow(f32x4.extract_lane(x, 2), a), NativeMathf.pow(f32x4.extract_lane(x, 3), a),
  );
}

/** Beyond this `sine4`'s reduction in f64 would lose digits. */
const FAR_ANGLE: f32 = 1e6;

/** Bits of 2 / pi behind a word of zeros, from the most significant on. */
function twoOverPi(word: i32): u64 {
  switch (word) {
    case 0: return 0;
    case 1: return 0xa2f9836e;
    case 2: return 0x4e441529;
    case 3: return 0xfc2757d1;
    case 4: return 0xf534ddc0;
    case 5: return 0xdb629599;
    case 6: return 0x3c439041;
    default: return 0xfe5163ab;
  }
}

/**
 * Payne and Hanek's reduction ("Radian reduction for trigonometric functions", 1983): |x| is a whole number of 24 bits times
 * 2^power, and only the bits of 2/pi from the place that matters on decide |x| / (2 pi) modulo 1.
 */
function farSine(x: f32, shift: i32): f32 {
  const bits = reinterpret<u32>(x);
  const exponent = <i32>(bits >> 23) & 0xff;
  if (exponent == 0xff) return NaN;
  const significand = <u64>((bits & 0x7fffff) | 0x800000);
  // A lane of ordinary angles beside a far one: not used.
  if (exponent < 120) return 0;
  const first = exponent - 120, word = first >> 5, up = <u64>(first & 31);
  const left = (twoOverPi(word) << 32) | twoOverPi(word + 1), right = (twoOverPi(word + 2) << 32) | twoOverPi(word + 3);
  const high = up == 0 ? left : (left << up) | (right >> (64 - up));
  const low = up == 0 ? right >> 32 : (right << up) >> 32;
  // |x| / (2 pi) modulo 1, in 64 bits.
  const fraction = significand * high + ((significand * low) >> 32);
  // The nearest quadrant, and the signed remainder.
  const quadrant = (fraction + 0x2000000000000000) >> 62;
  const rest = <f64><i64>(fraction - (quadrant << 62)) * 3.40612158008655459e-19;
  // sin(-x) = -sin x, cos(-x) = cos x.
  const angle = <f32>rest;
  const unit = sine4(splat(angle), <i32>quadrant + shift & 3);
  const y = f32x4.extract_lane(unit, 0);
  return shift == 0 && x < 0 ? -y : y;
}

/** Sine or cosine of any angle; NaN at the infinities. */
// @ts-ignore: decorator
@inline function anySine4(x: v128, shift: i32): v128 {
  const near = sine4(x, shift);
  const isFar = f32x4.gt(f32x4.abs(x), splat(FAR_ANGLE));
  if (!v128.any_true(isFar)) return near;
  const far = f32x4(
    farSine(f32x4.extract_lane(x, 0), shift), farSine(f32x4.extract_lane(x, 1), shift),
    farSine(f32x4.extract_lane(x, 2), shift), farSine(f32x4.extract_lane(x, 3), shift),
  );
  return v128.bitselect(far, near, isFar);
}

/** -1, 0 or 1; 0 at NaN, as in PyTorch. */
// @ts-ignore: decorator
@inline function sign4(x: v128): v128 {
  const one = v128.or(splat(1.0), v128.and(x, i32x4.splat(0x80000000)));
  return v128.and(one, v128.or(f32x4.lt(x, splat(0)), f32x4.gt(x, splat(0))));
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
  if (op == UNARY_RELU) return f32x4.max(x, splat(0));
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
  if (op == UNARY_SIN) return anySine4(x, 0);
  if (op == UNARY_COS) return anySine4(x, 1);
  if (op == UNARY_POW_SCALAR) return power4(x, alpha);
  if (op == UNARY_SOFTCAP) return f32x4.mul(alpha, tanh4(f32x4.div(x, alpha)));
  if (op == UNARY_ERF) return erf4(x);
  // tanh(x / 2) keeps its digits near 0.
  if (op == UNARY_EXPM1) return f32x4.mul(tanh4(f32x4.mul(splat(0.5), x)), f32x4.add(exp4(x), splat(1.0)));
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
    case UNARY_SOFTCAP: loop(UNARY_SOFTCAP, x, out, n, alpha, beta, pad); break;
    case UNARY_ERF: loop(UNARY_ERF, x, out, n, alpha, beta, pad); break;
    case UNARY_EXPM1: loop(UNARY_EXPM1, x, out, n, alpha, beta, pad); break;
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
