import { type Device, init } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parallelRun } from '../../test/parallel-run.ts';
import type { RawConfig } from '../config/resolve-config.ts';
import { readMetrics } from '../metrics/metrics-log.ts';

describe('data parallelism [webgpu]', () => {
  // One a rank: on a shared one the ranks' timing decides which buffers are free, and so which steps can be replayed.
  const devices: Device[] = [];
  beforeAll(async () => {
    for (let rank = 0; rank < 2; rank++) devices.push(await init({ device: 'webgpu' }));
  });
  afterAll(() => devices.forEach((device) => device.destroy()));

  /** Losses of a run, whose ranks end with the same weights, and the fewest buckets that travelled early on a rank. */
  async function train(ranks: number, settings: RawConfig): Promise<{ losses: number[]; overlapped: number }> {
    const weights: unknown[][] = [];
    const overlapped: number[] = [];
    const { storage } = await parallelRun(ranks, {
      devices,
      settings,
      inspect: async (rank, model, run) => {
        overlapped[rank] = run.overlappedBuckets;
        weights[rank] = await Promise.all(Object.values(model.parameters()).map((parameter) => parameter.data()));
      },
    });
    for (const other of weights.slice(1)) expect(other).toEqual(weights[0]);
    return { losses: (await readMetrics(storage)).map(({ loss }) => loss!), overlapped: Math.min(...overlapped) };
  }

  it.each([{}, { shardOptimizer: true }, { gradientAccumulation: 2 }])(
    '2 ranks, whose gradients are read back between replayed commands, equal 2 that record each pass bit for bit, and 1 rank %j',
    async (more: { gradientAccumulation?: number }) => {
      const settings = { training: { steps: 8, ...more } };
      const one = await train(0, settings);
      let replays = 0;
      const originals = devices.map(({ backend }) => {
        const { capture } = backend;
        backend.capture = (body) => {
          const commands = capture(body);
          return {
            ...commands,
            replay: (between) => {
              const went = commands.replay(between);
              if (went) replays++;
              return went;
            },
          };
        };
        return capture;
      });
      try {
        const replayed = await train(2, settings);
        // Two recorded steps and a captured one come first.
        expect(replays).toBe(devices.length * (more.gradientAccumulation ?? 1) * (8 - 3));
        expect(replayed.overlapped).toBeGreaterThan(0);
        for (const { backend } of devices) Object.assign(backend, { canReplay: false });
        expect(await train(2, settings)).toEqual(replayed);
        for (const [i, loss] of one.losses.entries()) {
          expect(Math.abs(replayed.losses[i] / loss - 1)).toBeLessThan(1e-5);
        }
      } finally {
        for (const [i, { backend }] of devices.entries())
          Object.assign(backend, { capture: originals[i], canReplay: true });
      }
    },
    400_000,
  );

  it('2 ranks whose gradients are coded on the device, between replayed commands, equal 2 that record each pass bit for bit [webgpu]', async () => {
    const settings = { training: { steps: 5, gradientCoding: 'int8' } };
    const replayed = await train(2, settings);
    expect(replayed.overlapped).toBeGreaterThan(0);
    const one = await train(0, { training: { steps: 5 } });
    for (const [i, loss] of one.losses.entries()) expect(Math.abs(replayed.losses[i] / loss - 1)).toBeLessThan(1e-2);
    try {
      for (const { backend } of devices) Object.assign(backend, { canReplay: false });
      expect(await train(2, settings)).toEqual(replayed);
    } finally {
      for (const { backend } of devices) Object.assign(backend, { canReplay: true });
    }
  }, 400_000);

  it('2 ranks in f16 equal 1 rank to the rounding of f16, and refuse the same overflows [webgpu f16]', async () => {
    const settings = { training: { steps: 4, dtype: 'f16', shardOptimizer: true }, lossScale: { initial: 2 ** 24 } };
    const rowsOf = async (ranks: number) => readMetrics((await parallelRun(ranks, { devices, settings })).storage);
    const [one, two] = [await rowsOf(0), await rowsOf(2)];
    expect(one[0]['skippedSteps']).toBe(1);
    for (const [i, { loss, skippedSteps }] of one.entries()) {
      expect(Math.abs(two[i].loss! / loss! - 1)).toBeLessThan(1e-3);
      expect(two[i]['skippedSteps']).toBe(skippedSteps);
    }
  }, 400_000);
});
