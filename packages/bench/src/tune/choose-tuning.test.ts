import { BASELINE_CAPABILITIES } from '@modajs/kernels';
import { describe, expect, it } from 'vitest';
import type { BenchJob } from '../job.ts';
import { emptyRow } from '../measure/measure-job.ts';
import type { BenchRow } from '../result.ts';
import { chooseTuning, tuningOf } from './choose-tuning.ts';
import type { TuneGroup } from './tune-group.ts';
import { tuneGroups } from './tune-jobs.ts';

const MATRIX = {
  ...BASELINE_CAPABILITIES,
  f16: true,
  subgroups: { min: 32, max: 32 },
  maxWorkgroupMemoryBytes: 49152,
  maxInvocations: 1024,
  maxWorkgroupSize: [1024, 1024, 64] as const,
  maxStorageBuffers: 16,
  maxBindingBytes: 2 ** 31,
  maxBufferBytes: 2 ** 40,
  subgroupMatrix: [{ componentType: 'f16', resultComponentType: 'f32', M: 16, N: 16, K: 16 } as const],
};
const TRAITS = {
  ...({ kind: 'webgpu', f16: true, subgroupMatrix: true, isSoftware: false } as const),
  maxBufferBytes: 2 ** 40,
  maxBindingBytes: 2 ** 31,
  assumedFlops: 2e13,
};
const groups = tuneGroups(MATRIX, TRAITS, 'paper');
const product = groups.find(({ kind }) => kind === 'matmul')!;
const sequence = groups.find(({ shapeClass }) => shapeClass.startsWith('sequence f16'))!;

function timed(job: BenchJob, medianMs: number, passes?: Record<string, number>): BenchRow {
  const total = { medianMs, minMs: medianMs, maxMs: medianMs, runs: 1 };
  return { ...emptyRow(job, 'failed', ''), status: 'measured', total, ...(passes ? { passes } : {}) };
}

const rowsOf = (group: TuneGroup, times: number[]) => times.map((ms, n) => timed(group.jobs[n]!, ms));

describe('tuneGroups', () => {
  it('has matrix products, sequence and depth parts, each class once with its default first', () => {
    expect(new Set(groups.map(({ kind }) => kind))).toEqual(new Set(['matmul', 'sequence', 'depth']));
    expect(new Set(groups.map(({ shapeClass }) => shapeClass)).size).toBe(groups.length);
    for (const { jobs } of groups) expect(jobs[0]!.name).toContain('(default)');
  });
});

describe('chooseTuning', () => {
  it('takes the fastest that beats the default', () => {
    const { config, bestMs, defaultMs } = chooseTuning(product, rowsOf(product, [3, 2, 1, 4]));
    expect([config, bestMs, defaultMs]).toEqual([product.jobs[2]!.config, 1, 3]);
  });

  it('keeps the default when nothing beats it by more than noise', () => {
    expect(chooseTuning(product, rowsOf(product, [3, 2.99, 3.5])).config).toBeNull();
  });

  it('never takes a candidate that was wrong against f64, and reports it', () => {
    const wrong = emptyRow(product.jobs[1]!, 'failed', 'out must be within 0.002 of f64, got 0.3');
    const { config, rejected } = chooseTuning(product, [timed(product.jobs[0]!, 3), wrong, timed(product.jobs[2]!, 2)]);
    expect(config).toEqual(product.jobs[2]!.config);
    expect(rejected).toEqual([{ id: product.jobs[1]!.id, reason: wrong.reason }]);
  });

  it('takes the best tile of each attention kernel from different candidates', () => {
    const times = (forward: number, dq: number, dkv: number) => ({
      'attention-matrix-forward 4x32x16 D=64 Dv=64': forward,
      'attention-matrix-dq 4x32x16 D=64 Dv=64': dq,
      'attention-matrix-dkv 4x32x16 D=64 Dv=64': dkv,
    });
    const whole = sequence.jobs.filter(({ config }) => config && 'dkv' in config && 'forward' in config);
    const [a, b] = [whole[0]!, whole[1]!];
    const rows = [
      timed(sequence.jobs[0]!, 9, times(3, 3, 3)),
      timed(a, 8, times(1, 4, 3)),
      timed(b, 8, times(4, 2, 3)),
    ];
    const { config, bestMs } = chooseTuning(sequence, rows);
    expect(config).toEqual({
      forward: (a.config as { forward: unknown }).forward,
      dq: (b.config as { dq: unknown }).dq,
    });
    expect(bestMs).toBe(6);
  });
});

describe('tuningOf', () => {
  it('replaces what an earlier search found for the same classes, and keeps the rest', () => {
    const naive = { kind: 'naive' } as const;
    const earlier = { matmul: { [product.shapeClass]: naive, other: naive }, attention: {} };
    const outcome = chooseTuning(product, rowsOf(product, [1, 2]));
    expect(tuningOf([outcome], earlier)).toEqual({ matmul: { other: naive }, attention: {} });
  });
});
