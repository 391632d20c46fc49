import type { Tensor } from '@modajs/tensor';

/**
 * Copies a contiguous tensor's values to the host: at once where the device computes in the host's memory (then the result
 * is null), else when the promise resolves.
 */
export function copyToHost(source: Tensor, target: Float32Array | Float64Array, start: number): Promise<void> | null {
  const { storage, offset } = source.view;
  const { backend } = source.device;
  const values = backend.hostView?.(storage, offset, source.size) ?? null;
  if (values !== null) {
    target.set(values, start);
    return null;
  }
  return backend.download(storage, offset, source.size).then((data) => target.set(data, start));
}

/** Copies host values into a contiguous tensor. */
export function copyToDevice(source: Float32Array | Float64Array, start: number, target: Tensor): void {
  const { storage, offset } = target.view;
  target.device.backend.upload(storage, offset, source.subarray(start, start + target.size));
}
