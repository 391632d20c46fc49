import { type Device, DTypeError, init } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { smallDecoderRun } from '../../test/small-decoder-run.ts';

describe('f16 with loss scaling [webgpu]', () => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'webgpu' });
  });
  afterAll(() => device.destroy());

  it('follows f32 within 1 % of the loss, and recovers from forced overflows; without f16 it is refused', async () => {
    const steps = 30;
    const settings = { lossScale: { initial: 256 }, optimizer: { lr: 0.004 } };
    if (!device.supportsF16) {
      await expect(smallDecoderRun(device, { steps, dtype: 'f16' }, { settings })).rejects.toThrow(DTypeError);
      return;
    }
    const f32 = await smallDecoderRun(device, { steps }, { settings });
    const f16 = await smallDecoderRun(device, { steps, dtype: 'f16' }, { settings });
    for (const [i, { loss }] of f32.entries()) expect(Math.abs(f16[i].loss! / loss! - 1)).toBeLessThan(0.01);
    expect(f32.at(-1)!.loss!).toBeLessThan(f32[0].loss! * 0.97);
    // The largest scale overflows at the start, and as it doubles after every 5 clean steps again and again.
    const forced = { ...settings, lossScale: { initial: 2 ** 24, growthInterval: 5 } };
    const overflowing = await smallDecoderRun(device, { steps, dtype: 'f16' }, { settings: forced });
    expect(overflowing.at(-1)!['skippedSteps']).toBeGreaterThan(2);
    expect(overflowing.every(({ loss }) => Number.isFinite(loss))).toBe(true);
    expect(overflowing.at(-1)!.loss!).toBeLessThan(overflowing[0].loss!);
  }, 400_000);
});
