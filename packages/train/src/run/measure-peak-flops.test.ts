import { init } from '@modajs/tensor';
import { describe, expect, it } from 'vitest';
import { smallDecoderRun } from '../../test/small-decoder-run.ts';
import { measurePeakFlops } from './measure-peak-flops.ts';

describe('measurePeakFlops [cpu]', () => {
  it('is a plausible speed, and leaves nothing behind', async () => {
    const device = await init({ device: 'cpu', threads: 1 });
    const before = device.memory().liveBytes;
    // A core that does not reach 0.1 GFLOP/s in SIMD, or one that does 10 TFLOP/s, is a mistake in the arithmetic.
    const peak = await measurePeakFlops(device, 'f32');
    expect(peak).toBeGreaterThan(1e8);
    expect(peak).toBeLessThan(1e13);
    expect(device.memory().liveBytes).toBe(before);
    device.destroy();
  });
});

describe('utilisation [cpu]', () => {
  it('is model FLOP/s over the peak, in percent, in every row', async () => {
    const device = await init({ device: 'cpu', threads: 1 });
    const rows = await smallDecoderRun(device, { steps: 3 }, { flopsPerToken: 1000, peakFlops: 1e6 });
    for (const row of rows) {
      expect(row['utilizationPercent']).toBeCloseTo((3 * 1000 * row.tokensPerSecond! * 100) / 1e6, 6);
    }
    device.destroy();
  });
});
