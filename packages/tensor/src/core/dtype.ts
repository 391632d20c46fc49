import { DTYPES, elementBytes, type KernelDType } from '@modajs/kernels';

export { elementBytes };

/** Element types. On every device sums and products of `f16` are accumulated in f32. */
export type DType = KernelDType;

/** Host-side data of a tensor. `f16` travels as `Float32Array` and is rounded on upload. */
export type HostArray = Float32Array | Float64Array | Int32Array | Uint32Array;

export function isFloat(dtype: DType): boolean {
  return DTYPES[dtype].isFloat;
}
