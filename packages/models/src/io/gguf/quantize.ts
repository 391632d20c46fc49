import { toHalf } from '@modajs/tensor';

/** How the numbers of a file are written. */
export type GgufStorage = 'F32' | 'F16' | 'Q8_0' | 'Q4_0';

/** The bytes of numbers in one storage type: those that ggml writes, bit for bit. */
export function encodeNumbers(storage: GgufStorage, data: ArrayLike<number>): Uint8Array {
  if (storage === 'F32') return new Uint8Array(Float32Array.from(data).buffer);
  if (storage === 'F16') return new Uint8Array(Uint16Array.from(data, toHalf).buffer);
  return storage === 'Q4_0' ? q4_0(data) : q8_0(data);
}

/**
 * Blocks of 32 numbers: d = (the number furthest from 0) / -8 as f16, then `x / d + 8.5` cut to 0 .. 15, in f32; byte i holds number i in its
 * low half and number i + 16 in its high half.
 * Reference: ggml, `quantize_row_q4_0_ref`.
 *
 * @param data a multiple of 32
 */
function q4_0(data: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array((data.length / 32) * 18);
  const view = new DataView(bytes.buffer);
  for (let from = 0, at = 0; from < data.length; from += 32, at += 18) {
    let furthest = 0;
    for (let i = 0; i < 32; i++) {
      const x = Math.fround(data[from + i]);
      if (Math.abs(x) > Math.abs(furthest)) furthest = x;
    }
    const d = Math.fround(furthest / -8);
    const inverse = d === 0 ? 0 : Math.fround(1 / d);
    view.setUint16(at, toHalf(d), true);
    const code = (i: number): number => {
      const x = Math.fround(Math.fround(data[from + i]) * inverse);
      return Math.min(15, Math.trunc(Math.fround(x + 8.5)));
    };
    for (let i = 0; i < 16; i++) bytes[at + 2 + i] = code(i) | (code(i + 16) << 4);
  }
  return bytes;
}

/**
 * Blocks of 32 numbers: `d = max|x| / 127` as f16, then `round(x / d)` as signed bytes, halves away from zero, in f32.
 * Reference: ggml, `quantize_row_q8_0_ref`.
 *
 * @param data a multiple of 32
 */
function q8_0(data: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array((data.length / 32) * 34);
  const view = new DataView(bytes.buffer);
  for (let from = 0, at = 0; from < data.length; from += 32, at += 34) {
    let most = 0;
    for (let i = 0; i < 32; i++) most = Math.max(most, Math.abs(Math.fround(data[from + i])));
    const d = Math.fround(most / 127);
    const inverse = d === 0 ? 0 : Math.fround(1 / d);
    view.setUint16(at, toHalf(d), true);
    for (let i = 0; i < 32; i++) {
      const x = Math.fround(Math.fround(data[from + i]) * inverse);
      view.setInt8(at + 2 + i, Math.sign(x) * Math.floor(Math.abs(x) + 0.5));
    }
  }
  return bytes;
}
