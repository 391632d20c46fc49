import { type Device, DTypeError, init } from '@modajs/tensor';
import { partNotRun } from '@modajs/vitest/part-not-run';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { patternedTokens } from '../../test/bigram-model.ts';
import { smallDecoderRun } from '../../test/small-decoder-run.ts';
import type { MetricsRow } from '../metrics/metrics-log.ts';
import { depthStatistics } from './depth-statistics.ts';

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
      partNotRun('f16');
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

  it('evaluates as in f32, depth statistics and all, while it averages weights and saves checkpoints', async () => {
    const heldOut = [{ name: 'pattern', tokens: patternedTokens(67, 31, 5), bytes: 66 }];
    const run = (dtype: 'f32' | 'f16') =>
      smallDecoderRun(
        device,
        { steps: 9, dtype, emaDecay: 0.9, activationCheckpointing: true },
        {
          settings: {
            lossScale: { initial: 256 },
            optimizer: { lr: 0.001 },
            evaluation: { every: 4 },
            checkpoint: { every: 3 },
          },
          heldOut,
          inspect: (model) => depthStatistics(model, heldOut[0].tokens.slice(0, 13)),
        },
      );
    if (!device.supportsF16) {
      await expect(run('f16')).rejects.toThrow(DTypeError);
      partNotRun('f16');
      return;
    }
    const [f32, f16] = [await run('f32'), await run('f16')];
    const isEvaluated = (row: MetricsRow): boolean => row.heldOutLoss !== undefined;
    expect(f16.filter(isEvaluated).map(({ step }) => step)).toEqual([4, 8, 9]);
    for (const [i, row] of f16.entries()) {
      if (!isEvaluated(row)) continue;
      expect(Math.abs(row.heldOutLoss! / f32[i].heldOutLoss! - 1)).toBeLessThan(0.01);
      for (const name of ['sinkMass/0', 'depthMass/1', 'sinkMass/1'])
        expect(Math.abs(Number(row[name]) - Number(f32[i][name])), name).toBeLessThan(0.002);
    }
  }, 400_000);
});
