import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Device, init } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { smallDecoderRun } from '../../test/small-decoder-run.ts';

/** The long form of this test runs with MODA_STEPS=1000. */
const STEPS = Number(process.env['MODA_STEPS'] ?? 100);
/**
 * What the heap may grow by over the second half of the steps, each end measured after a collection: the engine goes on
 * compiling what runs hot (heap snapshots show nothing else growing), and a leak of one step's graph is far larger.
 */
const HEAP_SLACK_BYTES = 1 << 20;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

describe('a steady loop [cpu]', () => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'cpu', threads: 1 });
  });
  afterAll(() => device.destroy());

  it(`of ${STEPS} steps allocates no device memory after step 5, holds as many buffers, and its heap stays flat`, async () => {
    const allocations: number[] = [];
    const live: number[] = [];
    const pooled: number[] = [];
    const heap: number[] = [];
    await smallDecoderRun(
      device,
      { steps: STEPS, gradientAccumulation: 3 },
      {
        // Rows of metrics are kept in memory here, and grow as they should.
        settings: { logging: { every: 1_000_000, tensorBoard: false } },
        listener: (event) => {
          if (event.kind !== 'step') return;
          const { step } = event.row;
          const memory = device.memory();
          allocations.push(memory.allocations);
          live.push(memory.liveBytes);
          pooled.push(memory.pooledBytes);
          if (step !== STEPS / 2 && step !== STEPS) return;
          collectGarbage();
          heap.push(process.memoryUsage().heapUsed);
        },
      },
    );
    expect(allocations).toHaveLength(STEPS);
    for (const values of [allocations, live, pooled]) expect(new Set(values.slice(5)).size).toBe(1);
    const [halfway, last] = heap;
    expect(last - halfway).toBeLessThan(HEAP_SLACK_BYTES);
  }, 600_000);
});
