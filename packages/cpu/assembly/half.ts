// Conversion between f16 or bf16 bits and f32, four lanes at a time.

/** f16 bits in the low halves of four u32 lanes -> f32; exact, denormals, Inf and NaN included. */
// @ts-ignore: decorator
@inline export function halfToFloat4(bits: v128): v128 {
  const sign = i32x4.shl(v128.and(bits, i32x4.splat(0x8000)), 16);
  const magnitude = i32x4.shl(v128.and(bits, i32x4.splat(0x7fff)), 13);
  const value = f32x4.mul(magnitude, i32x4.splat(0x77800000));
  const special = v128.and(i32x4.ge_s(magnitude, i32x4.splat(0x0f800000)), i32x4.splat(0x7f800000));
  return v128.or(v128.or(value, special), sign);
}

/** f32 -> f16 bits in four u32 lanes, to nearest even; above 65519.99 gives Inf. */
// @ts-ignore: decorator
@inline export function floatToHalf4(x: v128): v128 {
  const sign = v128.and(x, i32x4.splat(0x80000000));
  const a = v128.xor(x, sign);
  const nan = i32x4.gt_s(a, i32x4.splat(0x7f800000));
  const huge = v128.or(v128.and(nan, i32x4.splat(0x0200)), i32x4.splat(0x7c00));
  const denormal = i32x4.sub(f32x4.add(a, f32x4.splat(0.5)), i32x4.splat(0x3f000000));
  const odd = v128.and(i32x4.shr_u(a, 13), i32x4.splat(1));
  const rebiased = i32x4.add(i32x4.add(a, i32x4.splat(-0x38000000 + 0xfff)), odd);
  let y = i32x4.shr_u(rebiased, 13);
  y = v128.bitselect(denormal, y, i32x4.lt_s(a, i32x4.splat(0x38800000)));
  y = v128.bitselect(huge, y, i32x4.ge_s(a, i32x4.splat(0x47800000)));
  return v128.or(y, i32x4.shr_u(sign, 16));
}

/** bf16 bits in the low halves of four u32 lanes -> f32; exact. */
// @ts-ignore: decorator
@inline export function bfloatToFloat4(bits: v128): v128 {
  return i32x4.shl(bits, 16);
}

/** f32 -> bf16 bits in four u32 lanes, to nearest even. */
// @ts-ignore: decorator
@inline export function floatToBfloat4(x: v128): v128 {
  const odd = v128.and(i32x4.shr_u(x, 16), i32x4.splat(1));
  const rounded = i32x4.shr_u(i32x4.add(i32x4.add(x, i32x4.splat(0x7fff)), odd), 16);
  const nan = v128.or(v128.and(i32x4.shr_u(x, 16), i32x4.splat(0x8000)), i32x4.splat(0x7fc0));
  return v128.bitselect(rounded, nan, f32x4.eq(x, x));
}
