import { fromHalf } from '@modajs/tensor';

/**
 * The numbers of whole blocks, as ggml computes them in f32. Scales are f16 and codes are small integers, so every formula
 * here is exact in f64 until it is rounded once, on the store.
 *
 * @param view blocks, little-endian
 * @param out as many numbers as the blocks hold
 * Reference: github.com/ggml-org/ggml, `ggml-quants.c`, `dequantize_row_*`.
 */
export type Dequantize = (view: DataView, out: Float32Array) => void;

export const f32: Dequantize = (view, out) => {
  for (let i = 0; i < out.length; i++) out[i] = view.getFloat32(4 * i, true);
};

export const f16: Dequantize = (view, out) => {
  for (let i = 0; i < out.length; i++) out[i] = fromHalf(view.getUint16(2 * i, true));
};

/** The upper halves of f32 numbers. */
export const bf16: Dequantize = (view, out) => {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < out.length; i++) bits[i] = view.getUint16(2 * i, true) << 16;
};

/** `d * q`: an f16 scale and 32 signed bytes. */
export const q8_0: Dequantize = (view, out) => {
  for (let at = 0, to = 0; to < out.length; at += 34, to += 32) {
    const d = fromHalf(view.getUint16(at, true));
    for (let i = 0; i < 32; i++) out[to + i] = view.getInt8(at + 2 + i) * d;
  }
};

/** `d * (q - 8)`: an f16 scale and 16 bytes, the low half of byte i for number i, the high half for number i + 16. */
export const q4_0: Dequantize = (view, out) => {
  for (let at = 0, to = 0; to < out.length; at += 18, to += 32) {
    const d = fromHalf(view.getUint16(at, true));
    for (let i = 0; i < 16; i++) {
      const code = view.getUint8(at + 2 + i);
      out[to + i] = ((code & 15) - 8) * d;
      out[to + i + 16] = ((code >>> 4) - 8) * d;
    }
  }
};

/** `d * q + m`: an f16 scale, an f16 minimum, and codes as in Q4_0. */
export const q4_1: Dequantize = (view, out) => {
  for (let at = 0, to = 0; to < out.length; at += 20, to += 32) {
    const d = fromHalf(view.getUint16(at, true));
    const m = fromHalf(view.getUint16(at + 2, true));
    for (let i = 0; i < 16; i++) {
      const code = view.getUint8(at + 4 + i);
      out[to + i] = (code & 15) * d + m;
      out[to + i + 16] = (code >>> 4) * d + m;
    }
  }
};

/** `d * (q - 16)`: as Q4_0, with the fifth bit of number i as bit i of a u32. */
export const q5_0: Dequantize = (view, out) => {
  for (let at = 0, to = 0; to < out.length; at += 22, to += 32) {
    const d = fromHalf(view.getUint16(at, true));
    const high = view.getUint32(at + 2, true);
    for (let i = 0; i < 16; i++) {
      const code = view.getUint8(at + 6 + i);
      out[to + i] = ((code & 15) + (((high >>> i) & 1) << 4) - 16) * d;
      out[to + i + 16] = ((code >>> 4) + (((high >>> (i + 16)) & 1) << 4) - 16) * d;
    }
  }
};

/** `d * q + m`: as Q4_1, with fifth bits as in Q5_0. */
export const q5_1: Dequantize = (view, out) => {
  for (let at = 0, to = 0; to < out.length; at += 24, to += 32) {
    const d = fromHalf(view.getUint16(at, true));
    const m = fromHalf(view.getUint16(at + 2, true));
    const high = view.getUint32(at + 4, true);
    for (let i = 0; i < 16; i++) {
      const code = view.getUint8(at + 8 + i);
      out[to + i] = ((code & 15) + (((high >>> i) & 1) << 4)) * d + m;
      out[to + i + 16] = ((code >>> 4) + (((high >>> (i + 16)) & 1) << 4)) * d + m;
    }
  }
};
