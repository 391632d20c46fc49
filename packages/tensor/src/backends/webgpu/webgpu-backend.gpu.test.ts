import { partNotRun } from '@modajs/vitest/part-not-run';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Device } from '../../core/device.ts';
import { DeviceError, OutOfMemoryError } from '../../core/errors.ts';
import type { ArrayView, DeviceStorage } from '../backend.ts';
import { createWebGpuBackend, type WebGpuBackend } from './create-webgpu-backend.ts';
import { kernelSpans } from './kernel-spans.ts';
import { contiguousStrides } from './operations/contiguous.ts';

let backend: WebGpuBackend;
beforeAll(async () => {
  backend = await createWebGpuBackend();
});
afterAll(() => backend.destroy());

function view(storage: DeviceStorage, shape: readonly number[], offset = 0): ArrayView {
  return { storage, dtype: storage.dtype, shape, strides: contiguousStrides(shape), offset };
}

function upload(values: readonly number[], device = backend): ArrayView {
  const storage = device.allocate(values.length, 'f32');
  device.upload(storage, 0, Float32Array.from(values));
  return view(storage, [values.length]);
}

async function download({ storage, shape, offset }: ArrayView, device = backend): Promise<number[]> {
  const length = shape.reduce((product, extent) => product * extent, 1);
  return Array.from(await device.download(storage, offset, length));
}

/** One step of a made-up training loop; everything it allocates it releases. */
function step(device: WebGpuBackend, x: ArrayView): void {
  const y = view(device.allocate(x.shape[0], 'f32'), x.shape);
  const total = view(device.allocate(1, 'f32'), [1]);
  device.unary('square', x, y);
  device.binary('add', x, y, y);
  device.reduce('sum', y, [0], total);
  device.release(y.storage);
  device.release(total.storage);
  device.endStep();
}

describe('memory', () => {
  it('allocates nothing in a steady step [webgpu]', async () => {
    const x = upload([1, 2, 3, 4, 5, 6, 7]);
    step(backend, x);
    const { allocations, liveBytes } = backend.memory();
    for (let i = 0; i < 40; i++) step(backend, x);
    await backend.synchronize();
    expect(backend.memory().allocations).toBe(allocations);
    expect(backend.memory().liveBytes).toBe(liveBytes);
    backend.release(x.storage);
  });

  it('reads an empty view at its end beside pending work, which is done [webgpu]', async () => {
    // 64 numbers fill their buffer: the view starts where it ends.
    const x = upload(Array.from({ length: 64 }, (_, i) => i));
    const y = view(backend.allocate(64, 'f32'), [64]);
    backend.unary('square', x, y);
    const [empty, values] = await Promise.all([download(view(x.storage, [0], 64)), download(y)]);
    expect(empty).toEqual([]);
    expect(values).toEqual(Array.from({ length: 64 }, (_, i) => i * i));
    backend.release(x.storage);
    backend.release(y.storage);
  });

  it('reads several parts back in one go, after the work recorded before [webgpu]', async () => {
    const [x, y] = [upload([1, 2, 3, 4, 5]), upload([6, 7, 8])];
    backend.unary('square', y, y);
    const into = [new Float32Array(2), new Float32Array(0), new Float64Array(3)];
    await backend.downloadAll([
      { storage: x.storage, offset: 3, into: into[0] },
      { storage: x.storage, offset: 1, into: into[1] },
      { storage: y.storage, offset: 0, into: into[2] },
    ]);
    expect(into.map((part) => Array.from(part))).toEqual([[4, 5], [], [36, 49, 64]]);
    const ids = backend.allocate(4, 'i32');
    await expect(backend.downloadAll([{ storage: ids, offset: 0, into: into[0] }])).rejects.toThrow('must be f32');
    const words = backend.allocate(3, 'u32');
    backend.upload(words, 0, Uint32Array.of(7, 0x7fc00001, 9));
    const bits = new Uint32Array(2);
    await backend.downloadAll([{ storage: words, offset: 1, into: bits }]);
    expect([...bits]).toEqual([0x7fc00001, 9]);
    for (const { storage } of [x, y, { storage: ids }, { storage: words }]) backend.release(storage);
  });

  it('writes large arrays in the order of the commands around them, again and again [webgpu]', async () => {
    const length = 2 ** 18 + 3;
    const x = view(backend.allocate(length, 'f32'), [length]);
    const sums = view(backend.allocate(4, 'f32'), [4]);
    for (let i = 0; i < 4; i++) {
      backend.upload(x.storage, 1, new Float32Array(length - 1).fill(i));
      backend.fill(view(x.storage, [1]), 100);
      backend.reduce('sum', x, [0], view(sums.storage, [1], i));
    }
    expect(await download(sums)).toEqual([0, 1, 2, 3].map((i) => 100 + i * (length - 1)));
    for (const { storage } of [x, sums]) backend.release(storage);
  });

  it('counts live and pooled bytes, and ignores a second release [webgpu]', () => {
    const before = backend.memory();
    const storage = backend.allocate(1000, 'f32');
    expect(backend.memory().liveBytes - before.liveBytes).toBeGreaterThanOrEqual(4000);
    backend.release(storage);
    backend.release(storage);
    expect(backend.memory().liveBytes).toBe(before.liveBytes);
  });

  it('gives memory that nobody used for many steps back [webgpu]', () => {
    backend.release(backend.allocate(123_457, 'f32'));
    const held = backend.memory().pooledBytes;
    for (let i = 0; i < 70; i++) backend.endStep();
    expect(backend.memory().pooledBytes).toBeLessThan(held - 4 * 123_457 + 1);
  });

  it('refuses a buffer above the limit with the figures [webgpu]', () => {
    const length = backend.capabilities.maxBufferBytes;
    expect(() => backend.allocate(length, 'f32')).toThrow(OutOfMemoryError);
    expect(() => backend.allocate(length, 'f32')).toThrow(`${4 * length} B`);
  });

  it('trims the pool before it refuses at its own limit [webgpu]', async () => {
    const small = await createWebGpuBackend({ memoryLimitBytes: 8192 });
    small.release(small.allocate(1024, 'f32'));
    const kept = small.allocate(1536, 'f32');
    expect(() => small.allocate(1024, 'f32')).toThrow(/limit is 8192 B/);
    small.release(kept);
    small.allocate(2048, 'f32');
    small.destroy();
  });
});

describe('order', () => {
  it('reuses a released buffer without disturbing recorded work [webgpu]', async () => {
    const a = upload([1, 2, 3]);
    const sum = view(backend.allocate(3, 'f32'), [3]);
    backend.unary('affine', a, sum, 2, 1);
    backend.release(a.storage);
    const b = upload([100, 200, 300]);
    expect(await download(sum)).toEqual([3, 5, 7]);
    expect(await download(b)).toEqual([100, 200, 300]);
  });

  it('uploads after recorded work that reads the old contents [webgpu]', async () => {
    const x = upload([1, 2]);
    const y = view(backend.allocate(2, 'f32'), [2]);
    backend.unary('neg', x, y);
    backend.upload(x.storage, 0, Float32Array.from([10, 20]));
    expect(await download(y)).toEqual([-1, -2]);
    expect(await download(x)).toEqual([10, 20]);
  });

  it('survives more dispatches than one submission and one uniform ring hold [webgpu]', async () => {
    const x = upload([0]);
    for (let i = 0; i < 1500; i++) backend.unary('affine', x, x, 1, 1);
    expect(await download(x)).toEqual([1500]);
  });

  it('copies an operand that lies in the written buffer [webgpu]', async () => {
    const x = upload([1, 2, 3, 4, 5]);
    backend.copy(view(x.storage, [4]), view(x.storage, [4], 1));
    expect(await download(x)).toEqual([1, 1, 2, 3, 4]);
    backend.binary('add', view(x.storage, [2]), view(x.storage, [2], 2), view(x.storage, [2], 1));
    expect(await download(x)).toEqual([1, 3, 4, 3, 4]);
  });

  it('adds a tensor to itself in place [webgpu]', async () => {
    const x = upload([1, -2, 3]);
    backend.binary('add', x, x, x);
    expect(await download(x)).toEqual([2, -4, 6]);
  });
});

describe('transfers', () => {
  it('takes parts, other number types and shared memory [webgpu]', async () => {
    const x = upload([1, 2, 3, 4]);
    backend.upload(x.storage, 1, Float64Array.from([7.5, 8.5]));
    const shared = new Float32Array(new SharedArrayBuffer(4));
    shared[0] = 9;
    backend.upload(x.storage, 3, shared);
    expect(await download(x)).toEqual([1, 7.5, 8.5, 9]);
    expect(Array.from(await backend.download(x.storage, 1, 2))).toEqual([7.5, 8.5]);
  });

  it('refuses bf16 by name [webgpu]', () => {
    expect(() => backend.allocate(7, 'bf16')).toThrow(/webgpu: bf16 must be/);
  });

  it('moves an odd number of halves at odd places [webgpu]', async () => {
    if (!backend.supports('f16')) {
      expect(() => backend.allocate(7, 'f16')).toThrow(/f16/);
      partNotRun('f16');
      return;
    }
    const storage = backend.allocate(7, 'f16');
    backend.upload(storage, 0, Float32Array.from([0, 1, 2, 3, 4, 5, 6]));
    backend.upload(storage, 3, Float32Array.from([0.1]));
    backend.upload(storage, 5, Float32Array.from([70000, -0.25]));
    expect(Array.from(await backend.download(storage, 1, 6))).toEqual([1, 2, 0.0999755859375, 4, Infinity, -0.25]);
  });

  it('does nothing for empty tensors [webgpu]', async () => {
    const empty = view(backend.allocate(0, 'f32'), [0, 3]);
    const out = view(backend.allocate(3, 'f32'), [1, 3]);
    backend.unary('exp', empty, empty);
    backend.copy(empty, empty);
    backend.fill(out, 5);
    backend.reduce('sum', empty, [0], out);
    expect(await download(out)).toEqual([0, 0, 0]);
    expect(await download(empty)).toEqual([]);
    const a = view(empty.storage, [2, 0]);
    const product = view(backend.allocate(6, 'f32'), [2, 3]);
    backend.fill(product, 5);
    backend.matmul(a, empty, product);
    expect(await download(product)).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

describe('failures', () => {
  it('says what to do when there is no adapter [webgpu]', async () => {
    const gpu = { requestAdapter: async () => null } as unknown as GPU;
    await expect(createWebGpuBackend({ gpu })).rejects.toThrow(DeviceError);
    await expect(createWebGpuBackend({ gpu })).rejects.toThrow(/Install a Vulkan driver/);
  });

  it('raises a lost device at the next wait, naming the last kernel and its shapes [webgpu]', async () => {
    const doomed = await createWebGpuBackend();
    const x = upload([1, 2, 3], doomed);
    doomed.unary('exp', x, x);
    await doomed.synchronize();
    doomed.device.destroy();
    await doomed.device.lost;
    await expect(doomed.synchronize()).rejects.toThrow(/lost \(destroyed\).*exp f32 \(x f32\[3\], out f32\[3\]\)/s);
    await expect(doomed.download(x.storage, 0, 3)).rejects.toThrow(DeviceError);
    doomed.destroy();
  });

  it('raises a validation error as a KernelError and goes on [webgpu]', async () => {
    backend.device.createBuffer({ size: 16, usage: 0x8000_0000 });
    await expect(backend.synchronize()).rejects.toThrow(/must be valid/);
    await backend.synchronize();
  });

  it('refuses released memory [webgpu]', () => {
    const x = upload([1]);
    backend.release(x.storage);
    expect(() => backend.unary('neg', x, x)).toThrow(DeviceError);
  });
});

describe('profile', () => {
  it('times every kernel [webgpu]', async () => {
    const profiled = await createWebGpuBackend({ profile: true });
    const x = upload([1, 2, 3], profiled);
    profiled.unary('neg', x, x);
    profiled.unary('square', x, x);
    expect(await download(x, profiled)).toEqual([1, 4, 9]);
    const spans = await kernelSpans(new Device(profiled));
    if (profiled.capabilities.timestamps) expect(spans.map(({ label }) => label)).toEqual(['neg f32', 'square f32']);
    profiled.destroy();
    expect(await kernelSpans(new Device(backend))).toEqual([]);
  });
});
