import { type Device, init } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { smallDecoderRun } from '../../test/small-decoder-run.ts';

/** The long form of this test runs with MODA_STEPS=1000. Free buffers go back to the driver after 32 to 64 steps. */
const STEPS = Number(process.env['MODA_STEPS'] ?? 150);

describe('a steady loop [webgpu]', () => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'webgpu' });
  });
  afterAll(() => device.destroy());

  it(`of ${STEPS} steps allocates nothing after step 20`, async () => {
    const allocations: number[] = [];
    await smallDecoderRun(
      device,
      { steps: STEPS },
      {
        settings: { logging: { every: 1_000_000, tensorBoard: false } },
        listener: (event) => {
          if (event.kind === 'step') allocations.push(device.memory().allocations);
        },
      },
    );
    expect(allocations).toHaveLength(STEPS);
    expect(new Set(allocations.slice(20)).size).toBe(1);
  }, 600_000);
});
