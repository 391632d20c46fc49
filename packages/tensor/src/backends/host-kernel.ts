import type { HostArray } from '../core/dtype.ts';
import { sizeOf } from '../core/shape.ts';
import type { ArrayView } from './backend.ts';
import type { CustomKernelCall } from './custom-kernel-call.ts';

/** How a device that computes in the host's memory copies values out and in. */
export interface HostValues {
  /** A copy of a row-major view. */
  readonly read: (view: ArrayView) => HostArray;
  readonly write: (view: ArrayView, values: HostArray) => void;
  /** What floats are computed in. */
  readonly Floats: typeof Float32Array | typeof Float64Array;
}

/** Runs a kernel of the user's on copies. Floats that it does not write are NaN, so that whoever reads them notices. */
export function runHostKernel({ inputs, outputs, host }: CustomKernelCall, { read, write, Floats }: HostValues): void {
  const results = outputs.map(({ dtype, shape }): HostArray => {
    const size = sizeOf(shape);
    if (dtype === 'i32') return new Int32Array(size);
    if (dtype === 'u32') return new Uint32Array(size);
    return new Floats(size).fill(Number.NaN);
  });
  host!(inputs.map(read), results);
  outputs.forEach((view, i) => write(view, results[i]));
}
