import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { init } from '../init.ts';
import { tensor } from '../ops/creation.ts';
import { transpose } from '../ops/views.ts';
import { asParameter } from './autograd.ts';
import type { Device } from './device.ts';
import { showTensorsInDevtools } from './show-tensor.ts';

describe.each(['cpu', 'reference'] as const)('a tensor in the console [%s]', (kind) => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: kind });
  });
  afterAll(() => device.destroy());

  it('shows dtype, shape, device and values, of a view too', async () => {
    const x = tensor(
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      { device },
    );
    expect(inspect(x)).toBe(`Tensor(f32, [2, 3], ${kind})\n[[1., 2., 3.],\n [4., 5., 6.]]`);
    expect(inspect(transpose(x, [1, 0]))).toBe(`Tensor(f32, [3, 2], ${kind})\n[[1., 4.],\n [2., 5.],\n [3., 6.]]`);
    const ids = tensor([3, -1], { device, dtype: 'i32' });
    expect(inspect({ ids })).toContain(`Tensor(i32, [2], ${kind})\n`);
    const half = tensor([0.5, 1], { device, dtype: 'f16' });
    expect(inspect(half)).toBe(`Tensor(f16, [2], ${kind})\n[0.5000, 1.0000]`);
    expect(inspect(asParameter(half))).toContain('requiresGrad)');
    expect(await transpose(x, [1, 0]).array()).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ]);
    expect(await tensor(7, { device }).array()).toBe(7);
    const rows: number[][] = await x.array(2);
    expect(rows[1][2]).toBe(6);
    await expect(x.array(1)).rejects.toThrow('got 1 for shape [2, 3]. Use array(2).');
    expect(String(x)).toBe(`Tensor(f32, [2, 3], ${kind}) values: await tensor.print()`);
    x.dispose();
    expect(inspect(x)).toBe('Tensor(disposed, [2, 3])');
  });

  it('shows itself to a browser’s developer tools', () => {
    const x = tensor([1, 2], { device });
    showTensorsInDevtools();
    const [formatter] = (
      globalThis as never as { devtoolsFormatters: { header(v: unknown): unknown; body(v: unknown): unknown }[] }
    ).devtoolsFormatters;
    expect(formatter.header(x)).toEqual(['span', {}, `Tensor(f32, [2], ${kind})`]);
    expect(formatter.body(x)).toEqual(['pre', {}, `Tensor(f32, [2], ${kind})\n[1., 2.]`]);
    expect(formatter.header({})).toBe(null);
  });
});
