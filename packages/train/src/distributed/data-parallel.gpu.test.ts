import { type Device, init } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parallelRun } from '../../test/parallel-run.ts';
import type { RawConfig } from '../config/resolve-config.ts';
import { readMetrics } from '../metrics/metrics-log.ts';

describe('data parallelism [webgpu]', () => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'webgpu' });
  });
  afterAll(() => device.destroy());

  const losses = async (ranks: number, settings: RawConfig): Promise<number[]> => {
    const weights: unknown[][] = [];
    const { storage } = await parallelRun(ranks, {
      devices: [device],
      settings,
      inspect: async (rank, model) => {
        weights[rank] = await Promise.all(Object.values(model.parameters()).map((parameter) => parameter.data()));
      },
    });
    for (const other of weights.slice(1)) expect(other).toEqual(weights[0]);
    return (await readMetrics(storage)).map(({ loss }) => loss!);
  };

  it('2 ranks, whose gradients are read back in buckets, equal 1 rank, with sharded optimiser states too', async () => {
    const training = { steps: 4 };
    const one = await losses(0, { training });
    for (const shardOptimizer of [false, true]) {
      const two = await losses(2, { training: { ...training, shardOptimizer } });
      for (const [i, loss] of one.entries()) expect(Math.abs(two[i] / loss - 1)).toBeLessThan(1e-5);
    }
  }, 400_000);
});
