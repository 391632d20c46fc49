// Strided runs of elements of any dtype, moved to and from contiguous f32 in chunks that stay in the first-level cache.
import { DTYPE_BF16, DTYPE_F16, DTYPE_F32, DTYPE_I32, DTYPE_U32 } from '../src/abi/operators';
import { bfloatToFloat4, floatToBfloat4, floatToHalf4, halfToFloat4 } from './half';

/** Elements of a chunk. */
export const CHUNK = 512;

/** Floats of two bytes. */
// @ts-ignore: decorator
@inline export function isShort(dtype: i32): bool { return dtype == DTYPE_F16 || dtype == DTYPE_BF16; }

/** 16 bits in the low halves of four u32 lanes -> f32. */
// @ts-ignore: decorator
@inline function expand4(bits: v128, dtype: i32): v128 {
  return dtype == DTYPE_F16 ? halfToFloat4(bits) : bfloatToFloat4(bits);
}

/** f32 -> 16 bits in the low halves of four u32 lanes, to nearest even. */
// @ts-ignore: decorator
@inline function shrink4(x: v128, dtype: i32): v128 {
  return dtype == DTYPE_F16 ? floatToHalf4(x) : floatToBfloat4(x);
}

// @ts-ignore: decorator
@inline export function elementShift(dtype: i32): u32 { return isShort(dtype) ? 1 : 2; }

/** One element as f32. */
export function loadElement(address: usize, dtype: i32): f32 {
  if (dtype == DTYPE_F32) return load<f32>(address);
  if (isShort(dtype)) return f32x4.extract_lane(expand4(i32x4.splat(load<u16>(address)), dtype), 0);
  if (dtype == DTYPE_I32) return <f32>load<i32>(address);
  return <f32>load<u32>(address);
}

/** One element from f32; integers truncate, saturating. */
export function storeElement(address: usize, dtype: i32, x: f32): void {
  if (dtype == DTYPE_F32) store<f32>(address, x);
  else if (isShort(dtype)) store<u16>(address, i32x4.extract_lane(shrink4(f32x4.splat(x), dtype), 0));
  else if (dtype == DTYPE_I32) store<i32>(address, i32x4.extract_lane(i32x4.trunc_sat_f32x4_s(f32x4.splat(x)), 0));
  else store<i32>(address, i32x4.extract_lane(i32x4.trunc_sat_f32x4_u(f32x4.splat(x)), 0));
}

/** n floats of two bytes -> f32, both contiguous. */
function expandShort(from: usize, to: usize, dtype: i32, n: i32): void {
  let i = 0;
  if (dtype == DTYPE_F16) {
    for (; i + 4 <= n; i += 4) v128.store(to + (i << 2), halfToFloat4(v128.load16x4_u(from + (i << 1))));
  } else {
    for (; i + 4 <= n; i += 4) v128.store(to + (i << 2), bfloatToFloat4(v128.load16x4_u(from + (i << 1))));
  }
  for (; i < n; i++) store<f32>(to + (i << 2), loadElement(from + (i << 1), dtype));
}

/** n f32 -> floats of two bytes, both contiguous. */
function shrinkToShort(from: usize, to: usize, dtype: i32, n: i32): void {
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const bits = shrink4(v128.load(from + (i << 2)), dtype);
    v128.store64_lane(to + (i << 1), i16x8.narrow_i32x4_u(bits, bits), 0);
  }
  for (; i < n; i++) storeElement(to + (i << 1), dtype, load<f32>(from + (i << 2)));
}

/** Address of n contiguous f32: the elements themselves when they are that already, else a copy in `buffer`. */
export function readRun(address: usize, stride: i32, dtype: i32, n: i32, buffer: usize): usize {
  if (dtype == DTYPE_F32) {
    if (stride == 1) return address;
    if (stride == 0) {
      const x = load<f32>(address);
      for (let i = 0; i < n; i++) store<f32>(buffer + (i << 2), x);
    } else {
      const step = stride << 2;
      for (let i = 0; i < n; i++) store<f32>(buffer + (i << 2), load<f32>(address + i * step));
    }
    return buffer;
  }
  if (stride == 1 && isShort(dtype)) {
    expandShort(address, buffer, dtype, n);
    return buffer;
  }
  const step = stride << elementShift(dtype);
  for (let i = 0; i < n; i++) store<f32>(buffer + (i << 2), loadElement(address + i * step, dtype));
  return buffer;
}

/** Writes n contiguous f32 to a strided run; nothing to do when they are there already. */
export function writeRun(from: usize, address: usize, stride: i32, dtype: i32, n: i32): void {
  if (from == address) return;
  if (stride == 1) {
    if (dtype == DTYPE_F32) {
      memory.copy(address, from, n << 2);
      return;
    }
    if (isShort(dtype)) {
      shrinkToShort(from, address, dtype, n);
      return;
    }
  }
  const step = stride << elementShift(dtype);
  for (let i = 0; i < n; i++) storeElement(address + i * step, dtype, load<f32>(from + (i << 2)));
}

/** Same dtype, or integers of either sign: bits are moved. */
// @ts-ignore: decorator
@inline export function sameBits(a: i32, b: i32): bool {
  return a == b || ((a == DTYPE_I32 || a == DTYPE_U32) && (b == DTYPE_I32 || b == DTYPE_U32));
}
