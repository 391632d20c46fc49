const f32 = new Float32Array(1);
const bits = new Uint32Array(f32.buffer);

/** IEEE half bits of a number, round to nearest even; above 65519.99 becomes Infinity. */
export function toHalf(value: number): number {
  f32[0] = value;
  const x = bits[0];
  const sign = (x >>> 16) & 0x8000;
  const magnitude = x & 0x7fffffff;
  if (magnitude >= 0x7f800000) return sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00);
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) {
    const rounded = magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1);
    return sign | (rounded >>> 13);
  }
  // Subnormal halves are multiples of 2^-24; adding 1.5 * 2^(23-24) in f32 rounds to one of them, ties to even.
  f32[0] = Math.abs(value) + 0.5;
  return sign | (bits[0] - 0x3f000000);
}

/** The number that IEEE half bits mean. */
export function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The number that bfloat16 bits mean. */
export function fromBfloat16(value: number): number {
  bits[0] = value << 16;
  return f32[0];
}

/** bfloat16 bits of a number, round to nearest even. */
export function toBfloat16(value: number): number {
  f32[0] = value;
  const x = bits[0];
  if (Number.isNaN(value)) return ((x >>> 16) & 0x8000) | 0x7fc0;
  return (x + 0x7fff + ((x >>> 16) & 1)) >>> 16;
}
