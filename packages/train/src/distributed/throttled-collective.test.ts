import { asParameter, type Device, init, zeros } from '@modajs/tensor';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { COLLECTIVE_CLAIMS } from '../../test/collective-contract.ts';
import { resolveRunConfig } from '../config/run-config.ts';
import type { Collective } from './collective.ts';
import { Diloco } from './diloco/diloco.ts';
import { inProcessCollectives } from './in-process-collective.ts';
import { type Link, throttledCollective } from './throttled-collective.ts';

const SLOW: Link = { bitsPerSecond: 100e6, latencyMs: 20 };
const throttled = (size: number, link: Link): Collective[] =>
  inProcessCollectives(size).map((collective) => throttledCollective(collective, link));

describe.each([1, 2, 3])('throttled collective of %i', (size) => {
  it.each(Object.entries(COLLECTIVE_CLAIMS))('%s', async (_, { run, expected }) => {
    const results = await Promise.all(throttled(size, { bitsPerSecond: 1e9, latencyMs: 1 }).map(run));
    for (const [rank, result] of results.entries()) expect(result).toEqual(expected(rank, size));
  });
});

/** The clock stands while the ranks compute and jumps to the next timer: what is measured is the link, not this machine. */
describe('100 Mbit/s and 20 ms, by a clock of its own', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Runs all timers that the work waits for. */
  async function finished<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    work.finally(() => {
      isDone = true;
    });
    while (!isDone) await vi.advanceTimersByTimeAsync(1);
    return work;
  }

  const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  /** `nano`: parameters, and a step of half its batch on one of two quiet cores (`benchmarks/mpi-scaling-cpu.json`). */
  const NANO = { parameters: 1_048_576, stepMs: 187 };

  it("a message takes its bytes at the link's speed and the latency, the next one waits for it", async () => {
    const [a, b] = throttled(2, SLOW);
    const arrivals: number[] = [];
    const startedAt = performance.now();
    const work = (async () => {
      a.send(1, new Uint8Array(1_250_000));
      a.send(1, new Uint8Array(125_000));
      while (arrivals.length < 2) {
        if (b.receive() === null) await sleep(1);
        else arrivals.push(performance.now() - startedAt);
      }
    })();
    await finished(work);
    expect(arrivals[0]).toBeCloseTo(120, -0.5);
    expect(arrivals[1]).toBeCloseTo(130, -0.5);
  });

  /** Steps of a while on two ranks; the share of rank 0's time in which it waited. */
  async function waitedShare(device: Device, settings: object): Promise<number> {
    const steps = 90;
    const training = { steps, batchSize: 8, sync: 'diloco', diloco: settings };
    const ranks = throttled(2, SLOW).map((collective) => {
      const params = Object.fromEntries(
        ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [
          name,
          asParameter(zeros([Math.round(NANO.parameters / 6)], { device })),
        ]),
      );
      const warn = (message: string): void => {
        throw new Error(message);
      };
      return new Diloco(collective, params, resolveRunConfig({ training }), { warn });
    });
    let waitedMs = 0;
    const startedAt = performance.now();
    const train = async (rank: Diloco, isMeasured: boolean): Promise<void> => {
      await rank.start();
      // The last exchange of a run is not hidden: that of a run of thousands of steps does not count.
      for (let step = 1; step < steps; step++) {
        await sleep(NANO.stepMs);
        await rank.afterStep(step);
      }
      if (isMeasured) waitedMs = rank.meter.take().waitedMs;
    };
    await finished(Promise.all(ranks.map((rank, i) => train(rank, i === 0))));
    const totalMs = performance.now() - startedAt;
    expect(totalMs - waitedMs).toBeGreaterThanOrEqual((steps - 1) * NANO.stepMs);
    return waitedMs / totalMs;
  }

  it('nano on cpu keeps at least 90 % of its speed with diloco; exact mode keeps less than half', async () => {
    const device = await init({ device: 'cpu', threads: 1 });
    expect(await waitedShare(device, {})).toBeLessThan(0.1);
    expect(await waitedShare(device, { delay: 0, coding: 'f32', every: 10 })).toBeGreaterThan(0.1);
    const startedAt = performance.now();
    const gradients = throttled(2, SLOW).map((rank) => rank.allReduce(new Float32Array(NANO.parameters)));
    await finished(Promise.all(gradients));
    const reduceMs = performance.now() - startedAt;
    // Even if all of the backward pass, two thirds of a step, hides it.
    expect((2 / 3) * NANO.stepMs + NANO.stepMs / 3).toBeLessThan(NANO.stepMs / 3 + reduceMs);
    expect(NANO.stepMs / (NANO.stepMs / 3 + reduceMs)).toBeLessThan(0.5);
    device.destroy();
  });
});
