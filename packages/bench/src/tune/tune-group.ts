import {
  attentionCandidates,
  type DeviceCapabilities,
  depthClass,
  matmulCandidates,
  matmulClass,
  sequenceClass,
} from '@modajs/kernels';
import type { AttentionJob, BenchJob, MatmulJob } from '../job.ts';
import { matmulProblem } from '../measure/matmul-problem.ts';

/** All candidates of one class of shapes: the default first, each a job with a configuration of its own. */
export interface TuneGroup {
  /** Key in the tuning table. */
  readonly shapeClass: string;
  readonly kind: 'matmul' | 'sequence' | 'depth';
  readonly jobs: readonly BenchJob[];
}

/** Runs of a candidate at most. */
export const TUNE_RUNS = 5;

/** Candidates for a product's class. */
export function matmulGroup(job: MatmulJob, capabilities: DeviceCapabilities): TuneGroup {
  const problem = matmulProblem(job);
  const shapeClass = matmulClass(problem);
  const jobs = matmulCandidates(problem, capabilities).map((config, n): MatmulJob => {
    return { ...candidate(job, shapeClass, n), runs: Math.min(TUNE_RUNS, job.runs), config };
  });
  // The naive kernel is only worth timing where the default is it, or the product small.
  const isSmall = job.M * job.N * job.K <= 2 ** 24;
  return {
    shapeClass,
    kind: 'matmul',
    jobs: jobs.filter(({ config }, n) => n === 0 || isSmall || config?.kind !== 'naive'),
  };
}

/** Candidates for the class of a problem that has only this part. */
export function attentionGroup(
  kind: 'sequence' | 'depth',
  job: AttentionJob,
  capabilities: DeviceCapabilities,
): TuneGroup {
  const shapeClass = kind === 'sequence' ? sequenceClass(job.problem) : depthClass(job.problem);
  const jobs = attentionCandidates(job.problem, capabilities).map((config, n): AttentionJob => {
    return { ...candidate(job, shapeClass, n), config };
  });
  return { shapeClass, kind, jobs };
}

function candidate<Job extends BenchJob>(job: Job, shapeClass: string, n: number): Job {
  const { baseline, references, ...rest } = job;
  const name = n === 0 ? `${shapeClass} (default)` : `${shapeClass} #${n}`;
  return { ...rest, preset: 'tune', id: `tune/${shapeClass}/${n}`, name } as Job;
}

/** The first group of each class that has anything to choose from. */
export function firstOfEachClass(groups: readonly TuneGroup[]): TuneGroup[] {
  const first = new Map<string, TuneGroup>();
  for (const group of groups) {
    if (group.jobs.length > 1 && !first.has(group.shapeClass)) first.set(group.shapeClass, group);
  }
  return [...first.values()];
}
