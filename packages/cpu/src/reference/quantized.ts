/** Formats of quantized matrices: see `blockFormats` of `@modajs/kernels`. */
export type QuantizedFormat = 'q8_0' | 'q4_0';

/**
 * The numbers of blocks of 32, exact: `scale * code` (q8_0, signed bytes), `scale * (code - 8)` (q4_0, byte i of a block holds number i in its
 * low half and number i + 16 in its high half).
 *
 * @param codes u32 words, 8 (q8_0) or 4 (q4_0) a block
 * @param scales u32 words of two f16
 */
export function dequantizeReference(
  format: QuantizedFormat,
  codes: ArrayLike<number>,
  scales: ArrayLike<number>,
  count: number,
): Float64Array {
  const byteAt = (at: number): number => (codes[at >> 2] >>> (8 * (at & 3))) & 0xff;
  return Float64Array.from({ length: count }, (_, i) => {
    const block = Math.floor(i / 32);
    const scale = halfValue((scales[block >> 1] >>> (16 * (block & 1))) & 0xffff);
    if (format === 'q8_0') return scale * ((byteAt(i) << 24) >> 24);
    const code = byteAt(block * 16 + (i & 15));
    return scale * (((i & 16) === 0 ? code & 15 : code >>> 4) - 8);
  });
}

function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}
