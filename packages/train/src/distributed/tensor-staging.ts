import { assign, type Tensor } from '@modajs/tensor';

/** Host memory that a bucket's values travel in. */
export type StagingBuffer = Float32Array | Float64Array;

/** A contiguous tensor and where its values lie in the buffer. */
export interface StagedTensor {
  readonly tensor: Tensor;
  /** First element. */
  readonly start: number;
}

/**
 * Copies tensors' values to the host: at once where the device computes in the host's memory (then the result is null), else
 * when the promise resolves, all in one readback where the device has one.
 */
export function copyToHost(staged: readonly StagedTensor[], buffer: StagingBuffer): Promise<void> | null {
  const later: StagedTensor[] = [];
  for (const one of staged) {
    const { device, view, size } = one.tensor;
    const values = device.backend.hostValues(view.storage, view.offset, size);
    if (values === null) later.push(one);
    else buffer.set(values, one.start);
  }
  return later.length === 0 ? null : download(later, buffer);
}

async function download(staged: readonly StagedTensor[], buffer: StagingBuffer): Promise<void> {
  const { backend } = staged[0].tensor.device;
  const parts = staged.map(({ tensor: { view, size }, start }) => {
    return { storage: view.storage, offset: view.offset, into: buffer.subarray(start, start + size) };
  });
  if (staged.every(({ tensor }) => tensor.dtype === 'f32')) return backend.downloadAll(parts);
  const copies = parts.map(async ({ storage, offset, into }) => {
    into.set(await backend.download(storage, offset, into.length));
  });
  await Promise.all(copies);
}

/** Copies host values into contiguous tensors. */
export function copyToDevice(staged: readonly StagedTensor[], buffer: StagingBuffer): void {
  for (const { tensor, start } of staged) {
    assign(tensor, buffer.subarray(start, start + tensor.size));
  }
}
