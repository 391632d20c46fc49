import { DTYPES, dtypeEntry, elementBytes, type KernelDType } from '@modajs/kernels/formats';

export { dtypeEntry, elementBytes };

/** Element types. Sums and products of floats shorter than f32 are computed in f32 on every device. */
export type DType = KernelDType;

/** Those that hold fractions. */
export type FloatDType = { [D in DType]: (typeof DTYPES)[D]['isFloat'] extends true ? D : never }[DType];

/** Names of all element types. */
export const DTYPE_NAMES = Object.keys(DTYPES) as readonly DType[];

/** Host-side data of a tensor. Floats shorter than f32 travel as `Float32Array` and are rounded on upload. */
export type HostArray = Float32Array | Float64Array | Int32Array | Uint32Array;

export function isFloat(dtype: DType): dtype is FloatDType {
  return dtypeEntry(dtype).isFloat;
}

/** Numbers as the bits of a dtype; the array itself where it holds them already. */
export function storedArray(
  dtype: DType,
  data: ArrayLike<number>,
): Float32Array | Uint16Array | Int32Array | Uint32Array {
  const { StoredArray, encode } = dtypeEntry(dtype);
  if (encode !== null) return StoredArray.from(data, encode);
  return data instanceof StoredArray ? data : StoredArray.from(data);
}
