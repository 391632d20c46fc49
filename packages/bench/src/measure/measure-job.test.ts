import { describe, expect, it } from 'vitest';
import { PRODUCTS, productJob } from '../presets/matmul-preset.ts';
import type { BenchSession, BenchTarget, Runnable } from './bench-target.ts';
import { measureJob } from './measure-job.ts';
import { randomValue } from './random-value.ts';

const CEILINGS = { copyBytesPerSecond: 1e9, flopsPerSecond: { f32: { value: 1e9, source: 'test' } } };
const product = PRODUCTS.find(({ name }) => name === 'f32-1024')!;
const job = { ...productJob(product, 'default'), M: 5, N: 7, K: 11, runs: 3 };

/** A device that computes the product right, or with `error` added to every element. */
function target(error: number): BenchTarget {
  const seeds: Record<string, number> = {};
  const session: BenchSession = {
    memory: {
      allocate() {},
      async fill(name, _count, _dtype, seed) {
        seeds[name] = seed;
      },
      async read(_name, first, count) {
        return Float64Array.from({ length: count }, (_, n) => {
          const [row, column] = [Math.floor((first + n) / job.N), (first + n) % job.N];
          let sum = error;
          for (let k = 0; k < job.K; k++) {
            sum += randomValue(row * job.K + k, seeds['a']!) * randomValue(k * job.N + column, seeds['b']!);
          }
          return sum;
        });
      },
    },
    async matmul(): Promise<Runnable> {
      const time = async (runs: number) => ({ timesMs: Array<number>(runs).fill(2), timedBy: 'wall' as const });
      return { implementation: 'fake', workspaceBytes: 0, run: async () => {}, time };
    },
    attentionForward: () => Promise.reject(new Error('not here')),
    attentionBackward: () => Promise.reject(new Error('not here')),
    depthGather: () => Promise.reject(new Error('not here')),
    check: async () => {},
    close() {},
  };
  return {
    traits: {
      ...({ kind: 'cpu', f16: false, subgroupMatrix: false, isSoftware: false } as const),
      maxBufferBytes: 2 ** 30,
      maxBindingBytes: 2 ** 30,
      assumedFlops: 1e9,
    },
    environment: { device: 'cpu', adapter: '', driver: '', vendor: '', architecture: '', isSoftware: false },
    openSession: () => session,
    copyBytesPerSecond: async () => 1e9,
  };
}

describe('measureJob', () => {
  it('sets a right result beside the ceilings', async () => {
    const row = await measureJob(job, target(0), CEILINGS, 2 ** 30);
    expect(row).toMatchObject({ status: 'measured', implementation: 'fake', errors: { out: 0 } });
    expect(row.total).toEqual({ medianMs: 2, minMs: 2, maxMs: 2, runs: 3 });
    const flops = 2 * 5 * 7 * 11;
    expect(row.tflops).toBeCloseTo(flops / 2e9, 15);
    expect(row.floors.arithmeticShare).toBeCloseTo(flops / 1e9 / 2e-3, 12);
    expect(row.floors.bandwidthShare).toBeCloseTo(((5 * 11 + 7 * 11 + 5 * 7) * 4) / 1e9 / 2e-3, 12);
  });

  it('fails a wrong result before it is timed', async () => {
    for (const error of [0.01, Number.NaN]) {
      const row = await measureJob(job, target(error), CEILINGS, 2 ** 30);
      expect(row).toMatchObject({
        status: 'failed',
        total: null,
        reason: expect.stringContaining('must be within 0.00001 of f64'),
      });
    }
  });
});
