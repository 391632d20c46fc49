import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { init } from '../init.ts';
import { tensor } from '../ops/creation.ts';
import type { Device } from './device.ts';

let device: Device;
beforeAll(async () => {
  device = await init({ device: 'webgpu' });
});
afterAll(() => device.destroy());

it('a tensor in the console > says how to see values that are on the GPU, and prints them [webgpu]', async () => {
  const rows = [
    [1, 2, 3],
    [4, 5, 6],
  ];
  const x = tensor(rows, { device });
  expect(inspect(x)).toBe('Tensor(f32, [2, 3], webgpu) values: await tensor.print()');
  expect(await x.array()).toEqual(rows);
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  await x.print();
  expect(log).toHaveBeenCalledWith('Tensor(f32, [2, 3], webgpu)\n[[1., 2., 3.],\n [4., 5., 6.]]');
  log.mockRestore();
});
