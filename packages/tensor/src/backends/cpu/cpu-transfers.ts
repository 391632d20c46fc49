import { type CpuRuntime, copy, denseArray } from '@modajs/cpu';
import { dtypeEntry, elementBytes, type HostArray } from '../../core/dtype.ts';
import type { CpuStorage } from './cpu-storage.ts';

/** Host values to device memory, contiguous from element `offset`; what does not fit the dtype rounds to nearest even. */
export function upload(runtime: CpuRuntime, storage: CpuStorage, offset: number, data: HostArray): void {
  const address = storage.address + offset * elementBytes(storage.dtype);
  const { memory } = runtime;
  const { computed, encode } = dtypeEntry(storage.dtype);
  if (encode === null) memory[computed].set(data, address >>> 2);
  else if (data.length > 0) {
    runtime.withWorkspace(data.length * 4, (wide) => {
      memory.f32.set(data, wide >>> 2);
      copy(runtime, denseArray(wide, [data.length]), denseArray(address, [data.length], storage.dtype));
    });
  }
}

/** Device memory to the host, a copy that later work does not change. */
export function download(runtime: CpuRuntime, storage: CpuStorage, offset: number, length: number): HostArray {
  const address = storage.address + offset * elementBytes(storage.dtype);
  const first = address >>> 2;
  const { memory } = runtime;
  const { computed, HostArray, decode } = dtypeEntry(storage.dtype);
  if (decode === null) return new HostArray(memory[computed].subarray(first, first + length));
  if (length === 0) return new Float32Array(0);
  return runtime.withWorkspace(length * 4, (wide) => {
    copy(runtime, denseArray(address, [length], storage.dtype), denseArray(wide, [length]));
    return new Float32Array(memory.f32.subarray(wide >>> 2, (wide >>> 2) + length));
  });
}
