import { toHalf } from '@modajs/tensor';

/** How the numbers of a file are written. */
export type GgufStorage = 'F32' | 'F16' | 'Q8_0';

/** The bytes of numbers in one storage type: those that ggml writes, bit for bit. */
export function encodeNumbers(storage: GgufStorage, data: ArrayLike<number>): Uint8Array {
  if (storage === 'F32') return new Uint8Array(Float32Array.from(data).buffer);
  if (storage === 'F16') return new Uint8Array(Uint16Array.from(data, toHalf).buffer);
  return q8_0(data);
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
