import { type Device, init } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parallelRun } from '../../test/parallel-run.ts';
import { readMetrics } from '../metrics/metrics-log.ts';

describe('probe', () => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'cpu', threads: 1 });
  });
  afterAll(() => device.destroy());
  it.each([
    {},
    { optimizer: { lr: 1e-3 } },
    { optimizer: { lr: 1e-2 } },
    { training: { shardOptimizer: true } },
    { training: { activationCheckpointing: true, gradientAccumulation: 2 } },
  ])('diff %j', async (settings) => {
    const one = await readMetrics((await parallelRun(0, { devices: [device], settings })).storage);
    const two = await readMetrics((await parallelRun(2, { devices: [device], settings })).storage);
    let worst = 0;
    let worstN = 0;
    for (const [i, row] of one.entries()) {
      worst = Math.max(worst, Math.abs(two[i].loss! / row.loss! - 1));
      worstN = Math.max(worstN, Math.abs(two[i].gradientNorm! / row.gradientNorm! - 1));
    }
    console.log(
      JSON.stringify(settings),
      one.length,
      two.length,
      one[0].loss,
      one.at(-1)!.loss,
      'worst',
      worst,
      'last',
      two.at(-1)!.loss! / one.at(-1)!.loss! - 1,
      worstN,
      one.at(-1)!.heldOutLoss,
      two.at(-1)!.heldOutLoss,
    );
    expect(1).toBe(1);
  });
});
