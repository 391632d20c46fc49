import type { CpuArray, CpuQuantized } from '@modajs/cpu';
import type { DType } from '../../core/dtype.ts';
import { elementBytes } from '../../core/dtype.ts';
import type { ArrayView, DeviceStorage, QuantizedView } from '../backend.ts';

/** A block of the kernels' memory. */
export class CpuStorage implements DeviceStorage {
  constructor(
    /** Byte offset in the WebAssembly memory. */
    readonly address: number,
    readonly length: number,
    readonly dtype: DType,
  ) {}
}

/** A view as the kernels take it: no copy, only an address. */
export function cpuArray({ storage, dtype, shape, strides, offset }: ArrayView): CpuArray {
  return { address: (storage as CpuStorage).address + offset * elementBytes(dtype), dtype, shape, strides };
}

export function cpuQuantized({ format, shape, codes, scales }: QuantizedView): CpuQuantized {
  return { format, O: shape[0], I: shape[1], codes: cpuArray(codes), scales: cpuArray(scales) };
}

export function optionalArray(view: ArrayView | null | undefined): CpuArray | null {
  return view ? cpuArray(view) : null;
}
