/**
 * Formats of quantized matrices: blocks of 32 numbers of a row with one f16 scale, as ggml's. The numbers are ggml's bit for bit; codes
 * and scales lie apart, so that both are read in whole words.
 *
 * `q8_0`: `scale * code`, a signed byte each. `q4_0`: `scale * (code - 8)`, four bits each: byte i holds number i in its low half and
 * number i + 16 in its high half.
 */
export const blockFormats = {
  q8_0: { codeWords: 8 },
  q4_0: { codeWords: 4 },
} as const;

/** A format of quantized matrices. */
export type BlockFormat = keyof typeof blockFormats;

/** Numbers of a block. */
export const BLOCK_NUMBERS = 32;

/** u32 words of the codes of `count` numbers, and of their scales, two in a word. */
export function blockWords(format: BlockFormat, count: number): { readonly codes: number; readonly scales: number } {
  const blocks = count / BLOCK_NUMBERS;
  return { codes: blocks * blockFormats[format].codeWords, scales: Math.ceil(blocks / 2) };
}

/** Rows that a product with a quantized matrix takes; for more, dequantize the matrix. */
export const QUANTIZED_ROWS = 4;

/** Bytes of a quantized matrix that a product reads: what its speed is measured against. */
export function quantizedBytes(format: BlockFormat, O: number, I: number): number {
  return ((O * I) / BLOCK_NUMBERS) * (blockFormats[format].codeWords * 4 + 2);
}
