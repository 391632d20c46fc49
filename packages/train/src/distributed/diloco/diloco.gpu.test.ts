import { init } from '@modajs/tensor';
import { expect, it } from 'vitest';
import { parallelRun } from '../../../test/parallel-run.ts';
import { readMetrics } from '../../metrics/metrics-log.ts';

it('ranks that step alone replay their passes, exchange in between, and end with the same weights, as on cpu [webgpu]', async () => {
  const diloco = { every: 4, delay: 2, fragments: 2 };
  const settings = { training: { steps: 9, sync: 'diloco', diloco }, checkpoint: { every: null } };
  const losses: number[][] = [];
  for (const kind of ['webgpu', 'cpu'] as const) {
    const device = await init({ device: kind });
    const weights: unknown[][] = [];
    const { storage } = await parallelRun(2, {
      devices: [device],
      settings,
      inspect: async (rank, model) => {
        weights[rank] = await Promise.all(Object.values(model.parameters()).map((parameter) => parameter.data()));
      },
    });
    expect(weights[1]).toEqual(weights[0]);
    losses.push((await readMetrics(storage)).map(({ loss }) => loss!));
    device.destroy();
  }
  const [webgpu, cpu] = losses;
  expect(webgpu).toHaveLength(9);
  for (const [i, loss] of webgpu.entries()) expect(Math.abs(loss / cpu[i] - 1)).toBeLessThan(1e-3);
}, 400_000);
