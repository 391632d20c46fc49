import { describe, expect, it } from 'vitest';
import { DeviceError } from '../../core/errors.ts';
import type { ArrayView, DeviceStorage } from '../backend.ts';
import { createReferenceBackend } from './reference-backend.ts';

const view = (storage: DeviceStorage, shape: number[], strides: number[], offset = 0): ArrayView => ({
  storage,
  dtype: storage.dtype,
  shape,
  strides,
  offset,
});

describe('reference backend [reference]', () => {
  it('poisons released memory and refuses a second release', async () => {
    const backend = createReferenceBackend();
    const storage = backend.allocate(3, 'f32');
    backend.upload(storage, 0, Float32Array.of(1, 2, 3));
    backend.release(storage);
    expect([...(await backend.download(storage, 0, 3))]).toEqual([NaN, NaN, NaN]);
    expect(() => backend.release(storage)).toThrow(DeviceError);
  });

  it('counts live bytes, their peak, and allocations that a pool would have to make', () => {
    const backend = createReferenceBackend();
    for (let step = 0; step < 3; step++) {
      const storages = [backend.allocate(5, 'f32'), backend.allocate(7, 'f16')];
      for (const storage of storages) backend.release(storage);
    }
    expect(backend.memory()).toMatchObject({ liveBytes: 0, peakLiveBytes: 34, allocations: 2 });
  });

  it('rounds by its precision: nothing, every operation to f32, f16 tensors to f16 as well', async () => {
    const sum = async (round: 'f64' | 'f32' | 'f16', dtype: 'f32' | 'f16'): Promise<number> => {
      const backend = createReferenceBackend({ round });
      const [a, out] = [backend.allocate(1, dtype), backend.allocate(1, dtype)];
      backend.upload(a, 0, Float64Array.of(1 + 2 ** -20));
      backend.unary('affine', view(a, [1], [1]), view(out, [1], [1]), 1, 2 ** -40);
      return (await backend.download(out, 0, 1))[0];
    };
    expect(await sum('f64', 'f32')).toBe(1 + 2 ** -20 + 2 ** -40);
    expect(await sum('f32', 'f32')).toBe(1 + 2 ** -20);
    expect(await sum('f16', 'f16')).toBe(1);
    expect(await sum('f16', 'f32')).toBe(1 + 2 ** -20);
  });

  it('copies between strided windows and keeps whole numbers in 32 bits', async () => {
    const backend = createReferenceBackend();
    const x = backend.allocate(6, 'f32');
    backend.upload(x, 0, Float32Array.of(1.9, -1.9, 3, 4, 5, 6));
    const out = backend.allocate(6, 'i32');
    backend.copy(view(x, [3, 2], [1, 3]), view(out, [3, 2], [2, 1]));
    expect([...(await backend.download(out, 0, 6))]).toEqual([1, 4, -1, 5, 3, 6]);
    const u = backend.allocate(1, 'u32');
    backend.copy(view(x, [1], [1], 1), view(u, [1], [1]));
    expect([...(await backend.download(u, 0, 1))]).toEqual([0]);
  });
});
