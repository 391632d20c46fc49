import { DTYPE_BF16, DTYPE_F16, DTYPE_F32, DTYPE_I32, DTYPE_U32 } from '../abi/operators.ts';

/** What operators ask of an element type. */
interface CpuDTypeEntry {
  /** The type as the kernels know it. */
  readonly code: number;
  readonly bytes: number;
  readonly isInteger: boolean;
  /** Whether kernels that take f32 alone need a converted copy (`FloatScope`). */
  readonly isConverted: boolean;
  /** Bits of a result that has no value: NaN, or 0. */
  readonly missingBits: number;
}

const DTYPES = {
  f32: { code: DTYPE_F32, bytes: 4, isInteger: false, isConverted: false, missingBits: 0x7fc00000 },
  f16: { code: DTYPE_F16, bytes: 2, isInteger: false, isConverted: true, missingBits: 0x7e00 },
  bf16: { code: DTYPE_BF16, bytes: 2, isInteger: false, isConverted: true, missingBits: 0x7fc0 },
  i32: { code: DTYPE_I32, bytes: 4, isInteger: true, isConverted: false, missingBits: 0 },
  u32: { code: DTYPE_U32, bytes: 4, isInteger: true, isConverted: false, missingBits: 0 },
} as const satisfies Record<string, CpuDTypeEntry>;

/** Element types of the kernels. */
export type CpuDType = keyof typeof DTYPES;

/** A strided window on the runtime's memory: address of the first element in bytes, strides in elements. */
export interface CpuArray {
  readonly address: number;
  readonly dtype: CpuDType;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** The dtype as the kernels know it. */
export function dtypeCode(dtype: CpuDType): number {
  return DTYPES[dtype].code;
}

export function dtypeBytes(dtype: CpuDType): number {
  return DTYPES[dtype].bytes;
}

export function isInteger(dtype: CpuDType): boolean {
  return DTYPES[dtype].isInteger;
}

/** Whether kernels that take f32 alone need a converted copy. */
export function isConverted(dtype: CpuDType): boolean {
  return DTYPES[dtype].isConverted;
}

/** Bits of a result that has no value: NaN, or 0 in integers. */
export function missingBits(dtype: CpuDType): number {
  return DTYPES[dtype].missingBits;
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
