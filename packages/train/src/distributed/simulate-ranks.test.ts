import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { RawConfig } from '../config/resolve-config.ts';
import { resolveRunConfig } from '../config/run-config.ts';
import type { Collective } from './collective.ts';
import { measureLink } from './measure-link.ts';
import { predictCommunication } from './predict-communication.ts';
import {
  allReduceHops,
  allReduceShare,
  type RankSimulation,
  type SimulatedSync,
  simulateRanks,
} from './simulate-ranks.ts';
import type { Link } from './throttled-collective.ts';

const recorded = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../../../benchmarks/${name}.json`, import.meta.url), 'utf8'));
const EXACT: SimulatedSync = { kind: 'exact', bytesPerParameter: 4 };
const DILOCO: SimulatedSync = { kind: 'diloco', bytesPerParameter: 2, every: 30, fragments: 3, delay: 5 };
const SLOW: Link = { bitsPerSecond: 100e6, latencyMs: 20 };
const base: RankSimulation = { ranks: 2, steps: 90, parameters: 1e6, sync: EXACT, link: SLOW, stepMs: 100 };

describe('simulated ranks', () => {
  it('are within 15 % of 2 ranks of nano on cpu, exact', () => {
    const { samples } = recorded('mpi-scaling-cpu');
    const tokens = 2048;
    const stepMs = (1000 * (tokens / 2)) / samples[0].tokensPerSecond;
    const measured = (1000 * tokens) / samples[1].tokensPerSecond;
    // Memory that copies 5 GB/s, as the same measurement says of such machines.
    const link = { bitsPerSecond: 40e9, latencyMs: 0.05 };
    const { msPerStep } = simulateRanks({ ...base, stepMs, parameters: 1.05e6, link, jitter: 0.05 });
    expect(Math.abs(msPerStep / measured - 1)).toBeLessThan(0.15);
  });

  it('are within 15 % of 2 H200s in three batches, with the link measured in a fourth', () => {
    const { runs } = recorded('mpi-scaling-h200-2026-11-29');
    const rows: { name: string; medianMsOfLaterHalf: number }[] =
      runs['f16-statistics merged: replayed passes, a readback a bucket'];
    const ms = (name: string): number => rows.find((row) => row.name === name)!.medianMsOfLaterHalf;
    const simulate = (stepMs: number, bitsPerSecond: number, parts = 1): number =>
      simulateRanks({
        ...base,
        stepMs,
        parameters: 10e6,
        sync: { kind: 'exact', bytesPerParameter: 4, parts },
        link: { bitsPerSecond, latencyMs: 0.05 },
      }).msPerStep;
    // 40 MB a step go through the host in what a step of 16 ms leaves.
    const bitsPerSecond = (40e6 * 8000) / (ms('two-layer25') - ms('one') * (1 / 3 + 1 / 12));
    expect(simulate(ms('one'), bitsPerSecond) / ms('two-layer25')).toBeCloseTo(1, 1);
    for (const [predicted, measured] of [
      [simulate(ms('one-128'), bitsPerSecond), ms('two-256')],
      [simulate(ms('one-acc8'), bitsPerSecond, 8), ms('two-acc8')],
      // One rank had both ranks' rows.
      [simulate(ms('one-f32') / 2, bitsPerSecond), ms('two-f32')],
    ]) {
      expect(Math.abs(predicted / measured - 1)).toBeLessThan(0.15);
    }
  });

  it('of one rank are that rank, and a fast link makes n of n', () => {
    for (const sync of [EXACT, DILOCO]) {
      expect(simulateRanks({ ...base, sync, ranks: 1 }).speedUp).toBeCloseTo(1, 9);
      const link = { bitsPerSecond: 1e15, latencyMs: 0 };
      expect(simulateRanks({ ...base, sync, ranks: 8, link }).speedUp).toBeCloseTo(8, 3);
    }
  });

  it('wait for what the link takes: sums by hand', () => {
    // A bucket of 0.5 MB is 40 ms and two latencies: eight of them from the first one's gradients on, 100 / 3 + 100 / 12 ms.
    const exact = simulateRanks(base);
    expect(exact.msPerStep).toBeCloseTo(100 / 3 + 100 / 12 + 8 * (40 + 40), 6);
    // A third of 2 MB is 53 ms each way: hidden behind five steps.
    const diloco = simulateRanks({ ...base, sync: DILOCO });
    expect(diloco.msPerStep).toBeCloseTo(100, 6);
    expect(diloco.waitedShare).toBe(0);
    // Without a delay each exchange is two transfers and two latencies, once in ten steps.
    const { msPerStep } = simulateRanks({ ...base, sync: { ...DILOCO, delay: 0 } });
    expect(msPerStep).toBeCloseTo(100 + (2 * (160 / 3) + 40) / 10, 0);
  });

  it('a forecast of a run says what its metrics will: bytes, hidden and waited for', () => {
    const forecast = (training: RawConfig) =>
      predictCommunication(resolveRunConfig({ training }), { ranks: 2, parameters: 1e6, link: SLOW, stepMs: 100 });
    const exact = forecast({ sync: 'exact' });
    expect(exact.sentBytes).toBe(4e6);
    expect(exact.stepMs).toBeCloseTo(100 / 3 + 100 / 12 + 8 * 80, 6);
    expect(exact.hiddenMs + exact.waitedMs).toBeCloseTo(8 * 80, 6);
    expect(exact.waitedMs).toBeCloseTo(exact.stepMs - 100, 6);
    // Where the exchange was measured it is not the link's: eight buckets of 4 ms, the last after the backward pass.
    const measured = predictCommunication(resolveRunConfig({}), {
      ranks: 2,
      parameters: 1e6,
      link: SLOW,
      stepMs: 100,
      exchangeMs: 32,
    });
    expect([measured.stepMs, measured.waitedMs]).toEqual([expect.closeTo(104, 6), expect.closeTo(4, 6)]);
    // As the metrics count it: from the first bucket to the end of the backward pass.
    expect(measured.hiddenMs).toBeCloseTo((100 * 2 * 7) / (3 * 8), 6);
    // Each waits for the slower of two: of steps drawn from 100 up to 120 ms it is 113.3 on average.
    const jittery = predictCommunication(resolveRunConfig({}), {
      ranks: 2,
      parameters: 1,
      link: { bitsPerSecond: 1e15, latencyMs: 0 },
      stepMs: 100,
      jitter: 0.2,
    });
    expect(Math.abs(jittery.stepMs - 113.3)).toBeLessThan(1);
    expect(forecast({ gradientCoding: 'f16' }).sentBytes).toBe((2 + 4 / 256) * 1e6);
    const diloco = forecast({ sync: 'diloco', diloco: { every: 30, fragments: 3, delay: 5 } });
    expect(diloco.sentBytes).toBeCloseTo(2e6 / 30, 6);
    // A third of 2 MB and a latency, once in ten steps.
    expect([diloco.stepMs, diloco.waitedMs]).toEqual([expect.closeTo(100, 6), 0]);
    expect(diloco.hiddenMs).toBeCloseTo((160 / 3 + 20) / 10, 6);
  });

  it.each([2, 3, 8])('the link between %i ranks is found again from sums that take what it says', async (size) => {
    let clock = 0;
    const timed = {
      size,
      barrier: async () => {},
      allReduce: async ({ byteLength }: Float32Array) => {
        clock += allReduceHops(size) * SLOW.latencyMs + (8000 * allReduceShare(size) * byteLength) / SLOW.bitsPerSecond;
      },
    };
    const link = await measureLink(timed as unknown as Collective, () => clock);
    expect(link.bitsPerSecond / SLOW.bitsPerSecond).toBeCloseTo(1, 6);
    expect(link.latencyMs / SLOW.latencyMs).toBeCloseTo(1, 2);
  });

  it('are held up by stragglers and failures, diloco less by failures', () => {
    const failures = { hoursBetween: 100, restartMs: 600_000, checkpointEveryMs: 1_200_000, patienceMs: 60_000 };
    const fast = { bitsPerSecond: 1e12, latencyMs: 0 };
    const speedUp = (more: Partial<RankSimulation>): number =>
      simulateRanks({ ...base, ranks: 64, link: fast, ...more }).speedUp;
    const stragglers = { count: 1, slower: 0.5 };
    expect(speedUp({ stragglers })).toBeCloseTo(64 / 1.5, 0);
    expect(speedUp({ stragglers, sync: DILOCO })).toBeCloseTo(64 / 1.5, 0);
    expect(speedUp({ failures })).toBeLessThan(0.9 * 64);
    expect(speedUp({ failures, sync: DILOCO })).toBeGreaterThan(0.98 * 64);
    expect(speedUp({ jitter: 0.2, sync: DILOCO })).toBeGreaterThan(speedUp({ jitter: 0.2 }));
  });
});
