import { fromHalf } from '@modajs/tensor';
import type { Dequantize } from './dequantize.ts';

// Super-blocks of 256 numbers whose 8 or 16 sub-blocks have small integer scales of one f16 scale.

/** Sub-block j's 6-bit scale and minimum of Q4_K and Q5_K, packed into 12 bytes: scale in the low byte, minimum above. */
function scaleAndMin(view: DataView, at: number, j: number): number {
  if (j < 4) return (view.getUint8(at + j) & 63) | ((view.getUint8(at + j + 4) & 63) << 8);
  const low = view.getUint8(at + j + 4);
  const scale = (low & 15) | ((view.getUint8(at + j - 4) >>> 6) << 4);
  const min = (low >>> 4) | ((view.getUint8(at + j) >>> 6) << 4);
  return scale | (min << 8);
}

/** `d * s * q - dmin * m` with 4-bit q in 8 sub-blocks of 32: d, dmin, 12 bytes of s and m, 128 bytes of codes. */
export const q4_k: Dequantize = (view, out) => {
  for (let at = 0, to = 0; to < out.length; at += 144, to += 256) {
    const d = fromHalf(view.getUint16(at, true));
    const dMin = fromHalf(view.getUint16(at + 2, true));
    for (let j = 0; j < 8; j++) {
      const packed = scaleAndMin(view, at + 4, j);
      const scale = d * (packed & 255);
      const min = dMin * (packed >>> 8);
      const shift = 4 * (j & 1);
      const codes = at + 16 + 32 * (j >>> 1);
      for (let i = 0; i < 32; i++) out[to + 32 * j + i] = scale * ((view.getUint8(codes + i) >>> shift) & 15) - min;
    }
  }
};

/** As Q4_K with 5-bit q: 32 bytes before the codes hold fifth bits, bit j of byte i for number i of sub-block j. */
export const q5_k: Dequantize = (view, out) => {
  for (let at = 0, to = 0; to < out.length; at += 176, to += 256) {
    const d = fromHalf(view.getUint16(at, true));
    const dMin = fromHalf(view.getUint16(at + 2, true));
    for (let j = 0; j < 8; j++) {
      const packed = scaleAndMin(view, at + 4, j);
      const scale = d * (packed & 255);
      const min = dMin * (packed >>> 8);
      const shift = 4 * (j & 1);
      const codes = at + 48 + 32 * (j >>> 1);
      for (let i = 0; i < 32; i++) {
        const high = ((view.getUint8(at + 16 + i) >>> j) & 1) << 4;
        out[to + 32 * j + i] = scale * (((view.getUint8(codes + i) >>> shift) & 15) + high) - min;
      }
    }
  }
};

/** `d * s * (q - 32)` with 6-bit q in 16 sub-blocks of 16: 128 bytes of low bits, 64 of high ones, 16 signed s, d. */
export const q6_k: Dequantize = (view, out) => {
  for (let at = 0, to = 0; to < out.length; at += 210, to += 256) {
    const d = fromHalf(view.getUint16(at + 208, true));
    for (let part = 0; part < 8; part++) {
      // Four parts of 32 numbers share 64 low bytes and 32 high ones.
      const half = part >>> 2;
      const quarter = part & 3;
      const low = at + 64 * half + 32 * (quarter & 1);
      const high = at + 128 + 32 * half;
      for (let i = 0; i < 32; i++) {
        const code =
          ((view.getUint8(low + i) >>> (4 * (quarter >>> 1))) & 15) |
          (((view.getUint8(high + i) >>> (2 * quarter)) & 3) << 4);
        const scale = d * view.getInt8(at + 192 + 2 * part + (i >>> 4));
        out[to + 32 * part + i] = scale * (code - 32);
      }
    }
  }
};

/** `d * s * q - dmin * m` with 2-bit q in 16 sub-blocks of 16: 16 bytes of s (low half) and m, 64 bytes of codes, d, dmin. */
export const q2_k: Dequantize = (view, out) => {
  for (let at = 0, to = 0; to < out.length; at += 84, to += 256) {
    const d = fromHalf(view.getUint16(at + 80, true));
    const dMin = fromHalf(view.getUint16(at + 82, true));
    for (let part = 0; part < 8; part++) {
      const codes = at + 16 + 32 * (part >>> 2);
      for (let i = 0; i < 32; i++) {
        const packed = view.getUint8(at + 2 * part + (i >>> 4));
        const code = (view.getUint8(codes + i) >>> (2 * (part & 3))) & 3;
        out[to + 32 * part + i] = d * (packed & 15) * code - dMin * (packed >>> 4);
      }
    }
  }
};

/**
 * `d * (s - 32) * (q - 4)` with 3-bit q in 16 sub-blocks of 16: 32 bytes of high bits (bit j of byte i for number i of part
 * j), 64 bytes of low ones, 12 bytes of 6-bit s, d.
 */
export const q3_k: Dequantize = (view, out) => {
  for (let at = 0, to = 0; to < out.length; at += 110, to += 256) {
    const d = fromHalf(view.getUint16(at + 108, true));
    for (let part = 0; part < 8; part++) {
      const codes = at + 32 + 32 * (part >>> 2);
      for (let i = 0; i < 32; i++) {
        const high = (view.getUint8(at + i) >>> part) & 1;
        const code = (view.getUint8(codes + i) >>> (2 * (part & 3))) & 3;
        const scale = d * (q3Scale(view, at + 96, 2 * part + (i >>> 4)) - 32);
        out[to + 32 * part + i] = scale * (code - (high ? 0 : 4));
      }
    }
  }
};

/** Sub-block j's scale: four low bits in bytes 0 to 7, two high ones in bytes 8 to 11. */
function q3Scale(view: DataView, at: number, j: number): number {
  const low = (view.getUint8(at + (j & 7)) >>> (4 * (j >>> 3))) & 15;
  const high = (view.getUint8(at + 8 + (j & 3)) >>> (2 * (j >>> 2))) & 3;
  return low | (high << 4);
}
