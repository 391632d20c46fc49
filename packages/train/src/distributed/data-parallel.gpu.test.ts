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
});
