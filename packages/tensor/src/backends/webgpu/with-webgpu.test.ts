import { beforeEach, expect, test, vi } from 'vitest';

let module: typeof import('./with-webgpu.ts');
beforeEach(async () => {
  vi.resetModules();
  module = await import('./with-webgpu.ts');
});

test('withWebGpu > loads with the first device, once, and before that is given out', async () => {
  const load = vi.fn(async () => 'kernels');
  const loaded = module.withWebGpu(load);
  expect([loaded(), load.mock.calls.length]).toEqual([null, 0]);
  await Promise.all([module.loadForWebGpu(), module.loadForWebGpu()]);
  expect([loaded(), load.mock.calls.length]).toEqual(['kernels', 1]);
});

test('withWebGpu > a package that comes after the first device has it before the next', async () => {
  await module.loadForWebGpu();
  const loaded = module.withWebGpu(async () => 'kernels');
  expect(loaded()).toBeNull();
  await module.loadForWebGpu();
  expect(loaded()).toBe('kernels');
});

test('withWebGpu > what cannot be loaded is told to whoever opens a device', async () => {
  module.withWebGpu(() => Promise.reject(new Error('no such file')));
  await expect(module.loadForWebGpu()).rejects.toThrow('no such file');
});
