import { fromHalf } from '@modajs/tensor';

/** How gradients travel between ranks: as they are, or in blocks of 256 values with a scale. */
export const gradientCodings = ['f32', 'f16', 'int8'] as const;

export type GradientCoding = (typeof gradientCodings)[number];

/** Codings that lose something. */
export type BlockCoding = Exclude<GradientCoding, 'f32'>;

/** Values that share a scale. */
export const BLOCK = 256;

/** A scale that says that a value of the block was not finite. */
const NOT_FINITE = 0x7fc00000;
/** Biased exponent of f32 below which a block counts as zeros: 2^-112, beside which an f16 scale would not be normal. */
const SMALLEST_EXPONENT = 15;
const LARGEST_CODE = 127;

/** u32 words of a block: its scale (f32), then two codes of f16 or four of int8 in each. */
export function wordsOfBlock(coding: BlockCoding): number {
  return 1 + BLOCK / codesOfWord(coding);
}

/** Of a value on its way, its share of a scale included. */
export function bytesPerGradient(coding: GradientCoding): number {
  return coding === 'f32' ? 4 : (4 * wordsOfBlock(coding)) / BLOCK;
}

/** Blocks of so many values. */
export function blocksOf(length: number): number {
  return Math.ceil(length / BLOCK);
}

/**
 * Writes values as blocks. `f16`: `x / scale` rounded to f16, with the power of two that brings the block's largest magnitude to
 * 2^14 up to 2^15, so that nothing overflows and what underflows is below 2^-39 of the largest. `int8`: `round(x / scale)` of -127
 * to 127 with `scale = max |x| / 127`. A block with a value that is not finite decodes to NaN.
 *
 * @param values any number of them; the last block is filled up with zeros. With `int8` they become what the blocks leave out
 *   (0 where a value was not finite)
 */
export function encodeBlocks(coding: BlockCoding, values: Float32Array, words: Uint32Array): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const width = wordsOfBlock(coding);
  for (let block = 0; block < blocksOf(values.length); block++) {
    const first = block * BLOCK;
    const end = Math.min(values.length, first + BLOCK);
    const at = block * width;
    let largest = 0;
    for (let i = first; i < end; i++) largest = Math.max(largest, bits[i] & 0x7fffffff);
    const exponent = largest >>> 23;
    words.fill(0, at, at + width);
    if (exponent < SMALLEST_EXPONENT) continue;
    if (exponent === 255) {
      words[at] = NOT_FINITE;
      if (coding === 'int8') values.fill(0, first, end);
      continue;
    }
    if (coding === 'f16') encodeHalves(values, first, end, exponent, words, at);
    else encodeBytes(values, first, end, floatOf(largest), words, at);
  }
}

/** Adds the values of blocks to a sum: as many as the sum has. */
export function addBlocks(coding: BlockCoding, words: Uint32Array, sum: Float32Array): void {
  const width = wordsOfBlock(coding);
  const table = halfValues();
  for (let block = 0; block < blocksOf(sum.length); block++) {
    const scale = floatOf(words[block * width]);
    if (scale === 0) continue;
    const first = block * BLOCK;
    const end = Math.min(sum.length, first + BLOCK);
    let at = block * width + 1;
    if (coding === 'f16') {
      for (let i = first; i < end; i += 2) {
        const word = words[at++];
        sum[i] += scale * table[word & 0xffff];
        if (i + 1 < end) sum[i + 1] += scale * table[word >>> 16];
      }
      continue;
    }
    for (let i = first; i < end; i += 4) {
      const word = words[at++];
      const rest = Math.min(4, end - i);
      for (let k = 0; k < rest; k++) sum[i + k] += scale * ((word << (24 - 8 * k)) >> 24);
    }
  }
}

function codesOfWord(coding: BlockCoding): number {
  return coding === 'f16' ? 2 : 4;
}

const float = new Float32Array(1);
const floatBits = new Uint32Array(float.buffer);

function floatOf(bits: number): number {
  floatBits[0] = bits;
  return float[0];
}

/** @param exponent biased, of the largest magnitude */
function encodeHalves(
  values: Float32Array,
  first: number,
  end: number,
  exponent: number,
  words: Uint32Array,
  at: number,
): void {
  const scale = 2 ** (exponent - 141);
  words[at] = (exponent - 14) << 23;
  for (let i = first; i < end; i++) {
    const offset = i - first;
    words[at + 1 + (offset >> 1)] |= halfOf(values[i] / scale) << ((offset & 1) * 16);
  }
}

function encodeBytes(
  values: Float32Array,
  first: number,
  end: number,
  largest: number,
  words: Uint32Array,
  at: number,
): void {
  const scale = Math.fround(largest / LARGEST_CODE);
  const inverse = LARGEST_CODE / largest;
  words[at] = bitsOf(scale);
  for (let i = first; i < end; i++) {
    const code = Math.max(-LARGEST_CODE, Math.min(LARGEST_CODE, Math.round(values[i] * inverse)));
    const offset = i - first;
    words[at + 1 + (offset >> 2)] |= (code & 0xff) << ((offset & 3) * 8);
    values[i] -= scale * code;
  }
}

function bitsOf(value: number): number {
  float[0] = value;
  return floatBits[0];
}

/** f16 bits, rounded to the nearest, of a finite value below 65504. */
function halfOf(value: number): number {
  float[0] = value;
  const bits = floatBits[0];
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  // Below 2^-14 a half counts 2^-24.
  if (magnitude < 0x38800000) return sign | Math.round(Math.abs(value) * 2 ** 24);
  return sign | (((magnitude + 0xfff + ((magnitude >>> 13) & 1)) >>> 13) - 0x1c000);
}

let halves: Float32Array | null = null;

/** The value of every half by its bits. */
function halfValues(): Float32Array {
  halves ??= Float32Array.from({ length: 0x10000 }, (_, half) => fromHalf(half));
  return halves;
}
