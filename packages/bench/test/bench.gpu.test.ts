import { type Device, init } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BenchJob, type BenchRow, benchPresets, deviceTraits, runBench } from '../src/index.ts';

let device: Device;
beforeAll(async () => {
  device = await init({ device: 'webgpu' });
});
afterAll(() => device.destroy());

const GRADIENT = { B: 2, T: 5, Tk: 5, H: 6, Hkv: 2, D: 16, Dv: 16 };

/** Narrow heads and a few slots: compiling is what takes time on a software adapter. */
function small(job: BenchJob): BenchJob {
  if (job.kind === 'matmul') return { ...job, runs: 1 };
  if (job.kind === 'depth-gather') return job;
  const { depth } = job.problem;
  const sizes = { T: 21, Tk: 21, H: 4, Hkv: 2, D: 16, Dv: 16, scale: 0.25 };
  const slots = depth && { ...depth, S: 3, segments: [3], Td: 21 };
  return { ...job, runs: 1, problem: { ...job.problem, ...sizes, depth: slots } };
}

async function rowsOf(jobs: readonly BenchJob[]): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for await (const row of runBench(jobs, device, { scale: 'smoke' })) rows.push(row);
  return rows;
}

/** Some jobs of a preset, small. */
const chosen: Record<keyof typeof benchPresets, (id: string) => boolean> = {
  matmul: (id) => /f16-4096\/|f32-4096\/|f16-4096-tn|ragged|decode-4|decode-1-q._0\//.test(id),
  attention: (id) => /rows|default/.test(id),
  moda: (id) => /T=4096|depth\/G=8/.test(id),
  ablation: () => true,
};

describe('runBench', () => {
  it.each(['matmul', 'attention', 'moda', 'ablation'] as const)(
    'measures rows of %s, right against f64 [webgpu]',
    async (preset) => {
      const jobs = benchPresets[preset](deviceTraits(device), 'smoke').filter(({ id }) => chosen[preset](id));
      const rows = await rowsOf(jobs.map(small));
      // Without f16 the default row of attention is the f32 row.
      expect(rows.length).toBeGreaterThanOrEqual(preset === 'attention' && !device.supportsF16 ? 2 : 3);
      expect(rows.filter(({ status }) => status !== 'measured')).toEqual([]);
      expect(rows.filter(({ id }) => id.includes('decode-1-q'))).toHaveLength(preset === 'matmul' ? 2 : 0);
      for (const { id, total, errors, tolerance, floors } of rows) {
        expect(total!.medianMs, id).toBeGreaterThan(0);
        expect(floors.bandwidthShare, id).toBeGreaterThan(0);
        expect(Object.keys(errors).length, id).toBeGreaterThan(0);
        for (const error of Object.values(errors)) expect(error, id).toBeLessThanOrEqual(tolerance);
      }
    },
    300_000,
  );

  it('measures added up, deferred and gathered depth gradients, right against f64 with two batch rows [webgpu]', async () => {
    const dtype = device.supportsF16 ? 'f16' : 'f32';
    const jobs = benchPresets.moda(deviceTraits(device), 'paper').flatMap((job): BenchJob[] => {
      if (job.kind === 'matmul' || !job.id.includes('gradient/study')) return [];
      const depth = { ...job.problem.depth!, S: 4, segments: [4], Td: GRADIENT.T };
      const problem = { ...job.problem, ...GRADIENT, depth, dtype } as const;
      return [job.kind === 'attention' ? { ...job, runs: 1, problem } : { ...job, runs: 1, readers: 3, problem }];
    });
    const rows = await rowsOf(jobs);
    expect(rows.map(({ status, reason }) => [status, reason])).toEqual(jobs.map(() => ['measured', undefined]));
    expect(rows.map(({ errors }) => Object.keys(errors).sort())).toEqual([
      ['dDepthK', 'dDepthV', 'dq', 'lse', 'out'],
      ['dS', 'dq', 'lse', 'out', 'p'],
      ['dDepthK', 'dDepthV'],
    ]);
  });

  it('gives extra time over the baseline of the same run [webgpu]', async () => {
    const jobs = benchPresets.moda(deviceTraits(device), 'smoke').slice(0, 2).map(small);
    const [attention, moda] = await rowsOf(jobs);
    const [a, m] = [attention!.total!.medianMs, moda!.total!.medianMs];
    expect(moda!.extraTime).toBeCloseTo((m - a) / m, 12);
  });

  it('skips what exceeds the memory limit, with the number and the limit [webgpu]', async () => {
    const jobs = benchPresets.moda(deviceTraits(device), 'smoke').slice(0, 1);
    const ceilings = { copyBytesPerSecond: null, flopsPerSecond: {} };
    for await (const row of runBench(jobs, device, { ceilings, memoryLimitBytes: 1000 })) {
      expect(row).toMatchObject({
        status: 'skipped',
        total: null,
        reason: expect.stringMatching(/takes \d+ B; the limit is 1000 B/),
      });
    }
  });

  it('stops when asked to [webgpu]', async () => {
    const jobs = benchPresets.matmul(deviceTraits(device), 'smoke').slice(0, 3);
    const stop = new AbortController();
    const ceilings = { copyBytesPerSecond: null, flopsPerSecond: {} };
    let rows = 0;
    for await (const _ of runBench(jobs, device, { ceilings, signal: stop.signal })) {
      rows++;
      stop.abort();
    }
    expect(rows).toBe(1);
  });
});
