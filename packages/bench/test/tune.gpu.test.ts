import { type Device, init, kernelSpans, matmul, randomNormal } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deviceTuneGroups, deviceTuningKey, runBench, type TuneOutcome, tune, tuningOf } from '../src/index.ts';

let device: Device;
beforeAll(async () => {
  device = await init({ device: 'webgpu' });
});
afterAll(() => device.destroy());

const tile = { kind: 'tile', blockM: 32, blockN: 16, blockK: 4, threadM: 4, threadN: 4, stages: 1, splitK: 1 } as const;
const NO_CEILINGS = { copyBytesPerSecond: null, flopsPerSecond: {} };

describe('tune', () => {
  it('times candidates, rejects one that the device cannot hold, and the device uses the winner [webgpu]', async () => {
    const group = deviceTuneGroups(device, 'smoke').find(({ shapeClass }) =>
      shapeClass.startsWith('f32 f32 f32 NN M128'),
    )!;
    const job = group.jobs[0]!;
    const candidate = (n: number, config: object) => ({ ...job, id: `${job.id}/${n}`, config }) as typeof job;
    const jobs = [
      candidate(0, { kind: 'naive' }),
      candidate(1, tile),
      candidate(2, { ...tile, blockM: 4096, blockN: 4096, blockK: 4096 }),
    ];
    const outcomes: TuneOutcome[] = [];
    for await (const outcome of tune([{ ...group, jobs }], device, { scale: 'smoke' })) outcomes.push(outcome);
    expect(outcomes[0]!.rejected).toEqual([{ id: jobs[2]!.id, reason: expect.stringContaining('workgroup memory') }]);

    const key = deviceTuningKey(device);
    const table = tuningOf([{ ...outcomes[0]!, config: tile }]);
    for (const [tuning, label] of [
      [{ [key]: table }, 'matmul-tile 32x16x4'],
      [{ [`${key} of another driver`]: table }, 'matmul-naive'],
    ] as const) {
      const tuned = await init({ device: 'webgpu', tuning, profile: true });
      const product = matmul(randomNormal([128, 128], { seed: 1 }), randomNormal([128, 128], { seed: 2 }));
      await product.data();
      const labels = (await kernelSpans(tuned)).map((span) => span.label);
      expect(
        labels.some((text) => text.startsWith(label)),
        `${label} in ${labels}`,
      ).toBe(true);
      tuned.destroy();
    }
  });

  it('marks rows that ran tuned; a problem that cannot run its class’s configuration runs the default [webgpu]', async () => {
    const group = deviceTuneGroups(device, 'smoke').find(({ shapeClass }) =>
      shapeClass.startsWith('f32 f32 f32 NN M128'),
    )!;
    const { config: _, ...job } = group.jobs[0]!;
    for (const [config, isTuned] of [
      [tile, true],
      [{ ...tile, blockM: 4096, blockN: 4096, blockK: 4096 }, false],
    ] as const) {
      const table = { matmul: { [group.shapeClass]: config }, attention: {} };
      const tuned = await init({ device: 'webgpu', tuning: { [deviceTuningKey(device)]: table } });
      const rows = [];
      for await (const row of runBench([job], tuned, { scale: 'smoke', ceilings: NO_CEILINGS })) rows.push(row);
      expect(rows).toMatchObject([{ status: 'measured', isTuned }]);
      tuned.destroy();
    }
  });
});
