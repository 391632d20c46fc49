// Matrices in blocks of 32 numbers with one f16 scale: products of few rows that read the blocks, and their numbers as f32.
// Blocks: `blockFormats` of @modajs/kernels. Codes and scales lie apart.
import { halfToFloat4 } from './half';
import { multiplyAdd } from './simd-math';

@unmanaged
class QuantizedArguments {
  /** f32 [M, I]; unused when dequantizing. */
  x: usize;
  codes: usize;
  /** f16, one a block. */
  scales: usize;
  /** f32 [M, O], or the numbers. */
  out: usize;
  M: i32;
  O: i32;
  /** Blocks of a row. */
  blocks: i32;
  /** Bytes of a block's codes: 32 of signed bytes, 16 of halves of bytes. */
  blockBytes: i32;
  /** Rows of W, or blocks, that one tile works on. */
  perTile: i32;
}

/** Four signed bytes as f32. */
// @ts-ignore: decorator
@inline function four(codes: v128): v128 {
  return f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(codes)));
}

/** Numbers 0 to 15 of a block as signed bytes; of halves of bytes the low ones. */
// @ts-ignore: decorator
@inline function lowCodes(codes: usize, isWide: bool): v128 {
  const bytes = v128.load(codes);
  return isWide ? bytes : i8x16.sub(v128.and(bytes, i8x16.splat(15)), i8x16.splat(8));
}

/** Numbers 16 to 31. */
// @ts-ignore: decorator
@inline function highCodes(codes: usize, isWide: bool): v128 {
  return isWide ? v128.load(codes, 16) : i8x16.sub(i8x16.shr_u(v128.load(codes), 4), i8x16.splat(8));
}

/** Sums of 16 products in four lanes. */
// @ts-ignore: decorator
@inline function dot16(x: usize, codes: v128): v128 {
  let sum = f32x4.mul(v128.load(x), four(codes));
  sum = multiplyAdd(v128.load(x, 16), four(i8x16.shuffle(codes, codes, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7)), sum);
  sum = multiplyAdd(v128.load(x, 32), four(i8x16.shuffle(codes, codes, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11)), sum);
  return multiplyAdd(v128.load(x, 48), four(i8x16.shuffle(codes, codes, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15)), sum);
}

/** One tile: `perTile` rows of W with all rows of x. */
export function quantizedProduct(args: usize, tile: i32): void {
  const a = changetype<QuantizedArguments>(args);
  const isWide = a.blockBytes == 32;
  const last = min(a.O, (tile + 1) * a.perTile);
  const rowBytes = a.blocks * a.blockBytes;
  for (let o = tile * a.perTile; o < last; o++) {
    for (let m = 0; m < a.M; m++) {
      let codes = a.codes + o * rowBytes;
      let scales = a.scales + ((o * a.blocks) << 1);
      let x = a.x + ((m * a.blocks) << 7);
      let sum = f32x4.splat(0);
      for (let block = 0; block < a.blocks; block++) {
        const part = f32x4.add(dot16(x, lowCodes(codes, isWide)), dot16(x + 64, highCodes(codes, isWide)));
        sum = multiplyAdd(part, halfToFloat4(i32x4.splat(load<u16>(scales))), sum);
        codes += a.blockBytes;
        scales += 2;
        x += 128;
      }
      const total = f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1) + (f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3));
      store<f32>(a.out + ((m * a.O + o) << 2), total);
    }
  }
}

function store16(out: usize, codes: v128, scale: v128): void {
  v128.store(out, f32x4.mul(scale, four(codes)));
  v128.store(out, f32x4.mul(scale, four(i8x16.shuffle(codes, codes, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7))), 16);
  v128.store(out, f32x4.mul(scale, four(i8x16.shuffle(codes, codes, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11))), 32);
  v128.store(out, f32x4.mul(scale, four(i8x16.shuffle(codes, codes, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15))), 48);
}

/** One tile: `perTile` blocks. */
export function dequantize(args: usize, tile: i32): void {
  const a = changetype<QuantizedArguments>(args);
  const isWide = a.blockBytes == 32;
  const last = min(a.O * a.blocks, (tile + 1) * a.perTile);
  for (let block = tile * a.perTile; block < last; block++) {
    const codes = a.codes + block * a.blockBytes;
    const scale = halfToFloat4(i32x4.splat(load<u16>(a.scales + (block << 1))));
    const out = a.out + (block << 7);
    store16(out, lowCodes(codes, isWide), scale);
    store16(out + 64, highCodes(codes, isWide), scale);
  }
}
