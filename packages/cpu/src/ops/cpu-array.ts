import { DTYPE_F16, DTYPE_F32, DTYPE_I32, DTYPE_U32 } from '../abi/operators.ts';

/** Element types of the kernels. */
export type CpuDType = 'f32' | 'f16' | 'i32' | 'u32';

/** A strided window on the runtime's memory: address of the first element in bytes, strides in elements. */
export interface CpuArray {
  readonly address: number;
  readonly dtype: CpuDType;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

const CODES: Record<CpuDType, number> = { f32: DTYPE_F32, f16: DTYPE_F16, i32: DTYPE_I32, u32: DTYPE_U32 };

/** The dtype as the kernels know it. */
export function dtypeCode(dtype: CpuDType): number {
  return CODES[dtype];
}

const BYTES: Record<CpuDType, number> = { f32: 4, f16: 2, i32: 4, u32: 4 };

export function dtypeBytes(dtype: CpuDType): number {
  return BYTES[dtype];
}

export function isInteger(dtype: CpuDType): boolean {
  return dtype === 'i32' || dtype === 'u32';
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** A contiguous array at `address`. */
export function denseArray(address: number, shape: readonly number[], dtype: CpuDType = 'f32'): CpuArray {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return { address, dtype, shape, strides };
}

const FLOAT = new Float32Array(1);
const BITS = new Int32Array(FLOAT.buffer);

/** The bits of x as f32, to pass a float in a job's arguments. */
export function floatBits(x: number): number {
  FLOAT[0] = x;
  return BITS[0];
}

/** Tiles of `perTile` units each. */
export function tileCount(units: number, perTile: number): number {
  return Math.ceil(units / perTile);
}
