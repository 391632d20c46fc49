import { elementCount, exact, type Round, toF32 } from '@modajs/cpu/reference';
import { type DType, dtypeEntry, type FloatDType, isFloat } from '../../core/dtype.ts';
import type { ArrayView, DeviceStorage } from '../backend.ts';

/** Memory of the reference device: every dtype is kept as f64, whole numbers exactly. */
export class ReferenceStorage implements DeviceStorage {
  readonly data: Float64Array;

  constructor(
    readonly length: number,
    readonly dtype: DType,
  ) {
    // NaN, not 0, so that whoever reads what nobody wrote notices.
    this.data = new Float64Array(length).fill(isFloat(dtype) ? NaN : 0);
  }
}

/** How exact the device is: `f64` never rounds, `f32` is the naive f32 kernel, a shorter float also stores its own tensors in it. */
export type ReferencePrecision = 'f64' | FloatDType;

/** Rounding after each operation. */
export function arithmeticRound(precision: ReferencePrecision): Round {
  return precision === 'f64' ? exact : toF32;
}

/** Rounding on the way into memory of `dtype`; whole numbers truncate and wrap to 32 bits. */
export function storageRound(dtype: DType, precision: ReferencePrecision): Round {
  if (dtype === 'i32') return (x) => Math.trunc(x) | 0;
  if (dtype === 'u32') return (x) => Math.trunc(x) >>> 0;
  if (precision === 'f64') return exact;
  const { encode, decode } = dtypeEntry(dtype);
  return dtype === precision && encode && decode ? (x) => decode(encode(x)) : toF32;
}

/** The values behind a view, as the reference functions take them. */
export function strided(view: ArrayView): ArrayView & { readonly data: Float64Array } {
  return { ...view, data: (view.storage as ReferenceStorage).data };
}

/** The memory of a contiguous view. */
export function memoryOf(view: ArrayView): Float64Array {
  return strided(view).data.subarray(view.offset, view.offset + elementCount(view.shape));
}
