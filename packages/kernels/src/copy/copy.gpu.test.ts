import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDevice, type TestDevice } from '../../test/device.ts';
import { fromHalf, toHalf } from '../testing/half.ts';
import { runPlan } from '../testing/run-plan.ts';
import { planCopy, planFill } from './copy.ts';

let gpu: TestDevice;
beforeAll(async () => {
  gpu = await openTestDevice();
});
afterAll(() => gpu.close());

const dense = (dtype: 'f32' | 'f16' | 'i32' | 'u32') => ({ dtype, strides: [1], offset: 0 });

describe('copy', () => {
  it('rounds f32 to f16 to nearest even, and back exactly [webgpu f16]', async () => {
    const values = [
      0,
      -0,
      1,
      1 + 2 ** -11,
      1 + 3 * 2 ** -11,
      65504,
      65519,
      65520,
      -1e9,
      2 ** -24,
      2 ** -14,
      1 / 3,
      Number.NaN,
    ];
    const x = Float32Array.from(values);
    const narrow = planCopy({ shape: [13], x: dense('f32'), out: dense('f16') }, gpu.capabilities);
    const { out } = await runPlan(gpu.device, narrow, { x, out: new Uint16Array(13) });
    expect(Array.from(fromHalf(out))).toEqual(Array.from(fromHalf(toHalf(values))));
    const wide = planCopy({ shape: [13], x: dense('f16'), out: dense('f32') }, gpu.capabilities);
    const back = await runPlan(gpu.device, wide, { x: out, out: new Float32Array(13) });
    expect(Array.from(back.out)).toEqual(Array.from(fromHalf(out)));
  });

  it('truncates to integers [webgpu]', async () => {
    const plan = planCopy({ shape: [4], x: dense('f32'), out: dense('i32') }, gpu.capabilities);
    const { out } = await runPlan(gpu.device, plan, { x: Float32Array.of(1.9, -1.9, 0.5, 7), out: new Int32Array(4) });
    expect(Array.from(out)).toEqual([1, -1, 0, 7]);
  });

  it('transposes, broadcasts, and writes into strided windows only [webgpu]', async () => {
    const x = { dtype: 'f32', strides: [1, 3], offset: 0 } as const;
    const out = { dtype: 'f32', strides: [4, 1], offset: 1 } as const;
    const plan = planCopy({ shape: [3, 2], x, out }, gpu.capabilities);
    const operands = { x: Float32Array.of(1, 2, 3, 4, 5, 6), out: new Float32Array(12).fill(-1) };
    const result = await runPlan(gpu.device, plan, operands);
    expect(Array.from(result.out)).toEqual([-1, 1, 4, -1, -1, 2, 5, -1, -1, 3, 6, -1]);
  });
});

describe('fill', () => {
  it.each([7, 8])('writes %i numbers and nothing else, NaN and infinities too [webgpu]', async (size) => {
    for (const value of [1.5, Number.NaN, Number.NEGATIVE_INFINITY]) {
      const plan = planFill({ dtype: 'f32', size, offset: 4, value }, gpu.capabilities);
      const { out } = await runPlan(gpu.device, plan, { out: new Float32Array(16) });
      expect(Array.from(out)).toEqual(Array.from({ length: 16 }, (_, i) => (i >= 4 && i < 4 + size ? value : 0)));
    }
  });

  it('writes integers exactly [webgpu]', async () => {
    const plan = planFill({ dtype: 'i32', size: 3, offset: 0, value: -123_456_789 }, gpu.capabilities);
    const { out } = await runPlan(gpu.device, plan, { out: new Int32Array(3) });
    expect(Array.from(out)).toEqual([-123_456_789, -123_456_789, -123_456_789]);
  });
});
