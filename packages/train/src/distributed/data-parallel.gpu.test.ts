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

  it('2 ranks, whose gradients are read back between replayed commands, equal 1 rank, with sharded optimiser states too', async () => {
    const training = { steps: 6 };
    const one = await losses(0, { training });
    const { backend } = device;
    const { capture } = backend;
    /** Gradients told about in replays that went through. */
    const told: number[] = [];
    backend.capture = (body) => {
      const commands = capture!(body);
      return {
        ...commands,
        replay: (between) => {
          const went = commands.replay(between);
          if (went) told.push(between!.size);
          return went;
        },
      };
    };
    for (const shardOptimizer of [false, true]) {
      const two = await losses(2, { training: { ...training, shardOptimizer } });
      for (const [i, loss] of one.entries()) expect(Math.abs(two[i] / loss - 1)).toBeLessThan(1e-5);
    }
    backend.capture = capture;
    expect(told.length).toBeGreaterThan(4);
    expect(Math.min(...told)).toBeGreaterThan(4);
  }, 400_000);

  it('2 ranks in f16 equal 1 rank to the rounding of f16, and refuse the same overflows', async () => {
    if (!device.supportsF16) return;
    const settings = { training: { steps: 4, dtype: 'f16', shardOptimizer: true }, lossScale: { initial: 2 ** 24 } };
    const rowsOf = async (ranks: number) =>
      readMetrics((await parallelRun(ranks, { devices: [device], settings })).storage);
    const [one, two] = [await rowsOf(0), await rowsOf(2)];
    expect(one[0]['skippedSteps']).toBe(1);
    for (const [i, { loss, skippedSteps }] of one.entries()) {
      expect(Math.abs(two[i].loss! / loss! - 1)).toBeLessThan(1e-3);
      expect(two[i]['skippedSteps']).toBe(skippedSteps);
    }
  }, 400_000);
});
