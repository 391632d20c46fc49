import { BASELINE_CAPABILITIES } from '@modajs/kernels';
import { describe, expect, it } from 'vitest';
import { benchPresets } from '../presets/bench-presets.ts';
import { jobTuneGroups } from './job-tune-groups.ts';

const TRAITS = {
  ...({ kind: 'webgpu', f16: false, subgroupMatrix: false, isSoftware: false } as const),
  maxBufferBytes: 2 ** 40,
  maxBindingBytes: 2 ** 31,
  assumedFlops: 5e11,
};
const groupsOf = (preset: keyof typeof benchPresets, most?: number) =>
  jobTuneGroups(benchPresets[preset](TRAITS, 'fit'), BASELINE_CAPABILITIES, most);

describe('jobTuneGroups', () => {
  it('has the classes of a benchmark alone, each once with its default first', () => {
    expect(new Set(groupsOf('matmul').map(({ kind }) => kind))).toEqual(new Set(['matmul']));
    expect(new Set(groupsOf('attention').map(({ kind }) => kind))).toEqual(new Set(['sequence']));
    const groups = [...groupsOf('matmul'), ...groupsOf('attention'), ...groupsOf('moda')];
    for (const { jobs } of groups) expect(jobs[0]!.name).toContain('(default)');
    const products = groupsOf('matmul').map(({ shapeClass }) => shapeClass);
    expect(new Set(products).size).toBe(products.length);
  });

  it('takes at most so many candidates of a class, the default and the last among them', () => {
    const all = groupsOf('matmul').find(({ jobs }) => jobs.length > 5)!;
    const few = groupsOf('matmul', 5).find(({ shapeClass }) => shapeClass === all.shapeClass)!;
    expect(few.jobs).toHaveLength(5);
    expect(new Set(few.jobs).size).toBe(5);
    expect([few.jobs[0], few.jobs.at(-1)]).toEqual([all.jobs[0], all.jobs.at(-1)]);
  });

  it('leaves out jobs that name their kernels', () => {
    const named = benchPresets.attention(TRAITS, 'fit').filter(({ id }) => !id.endsWith('/default'));
    expect(named.length).toBeGreaterThan(0);
    expect(jobTuneGroups(named, BASELINE_CAPABILITIES)).toEqual([]);
  });
});
