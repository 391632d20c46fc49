import {
  KERNEL_BINARY,
  KERNEL_COPY,
  KERNEL_FILL,
  KERNEL_INTEGER_BINARY,
  KERNEL_INTEGER_UNARY,
  KERNEL_INTEGER_WHERE,
  KERNEL_TERNARY,
  KERNEL_UNARY,
} from '../abi/kernels.ts';
import type { CpuRuntime } from '../runtime/cpu-runtime.ts';
import { type CpuArray, isInteger } from './cpu-array.ts';
import { indexSpace } from './index-space.ts';
import {
  BINARY_CODES,
  type CpuBinaryOp,
  type CpuTernaryOp,
  type CpuUnaryOp,
  TERNARY_CODES,
  UNARY_CODES,
} from './operator-codes.ts';

/** out = value everywhere; `out` may be strided. Integers take the value modulo 2^32. */
export function fill(runtime: CpuRuntime, out: CpuArray, value: number): void {
  const { words, tiles } = indexSpace([out], isInteger(out.dtype) ? value | 0 : 0, value);
  runtime.launch(KERNEL_FILL, tiles, words);
}

/** Strided to strided copy with conversion: f16 rounds to nearest even, float to integer truncates and saturates. */
export function copy(runtime: CpuRuntime, x: CpuArray, out: CpuArray): void {
  const { words, tiles } = indexSpace([x, out]);
  runtime.launch(KERNEL_COPY, tiles, words);
}

/**
 * out = op(x) over f32 or f16; computed in f32. Integers: negation, absolute value, sign, square, `affine` and `clamp`, exact and
 * modulo 2^32, with whole `alpha` and `beta`.
 */
export function unary(runtime: CpuRuntime, op: CpuUnaryOp, x: CpuArray, out: CpuArray, alpha = 0, beta = 0): void {
  const { words, tiles } = indexSpace([x, out], UNARY_CODES[op], alpha, beta);
  if (isInteger(x.dtype)) {
    words.set([alpha | 0, beta | 0], 1);
    runtime.launch(KERNEL_INTEGER_UNARY, tiles, words);
  } else runtime.launch(KERNEL_UNARY, tiles, words);
}

/** out = op(a, b), operands broadcast by strides of 0. Integers: arithmetic, powers, minimum, maximum and comparisons, exact. */
export function binary(runtime: CpuRuntime, op: CpuBinaryOp, a: CpuArray, b: CpuArray, out: CpuArray): void {
  const { words, tiles } = indexSpace([a, b, out], BINARY_CODES[op]);
  runtime.launch(isInteger(a.dtype) ? KERNEL_INTEGER_BINARY : KERNEL_BINARY, tiles, words);
}

/** out = op(a, b, c). `where` on integer values moves bits. */
export function ternary(
  runtime: CpuRuntime,
  op: CpuTernaryOp,
  a: CpuArray,
  b: CpuArray,
  c: CpuArray,
  out: CpuArray,
): void {
  const { words, tiles } = indexSpace([a, b, c, out], TERNARY_CODES[op]);
  runtime.launch(isInteger(out.dtype) ? KERNEL_INTEGER_WHERE : KERNEL_TERNARY, tiles, words);
}
