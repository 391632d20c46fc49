import type { DeviceCapabilities } from '@modajs/kernels';
import type { AttentionJob, BenchJob } from '../job.ts';
import { attentionGroup, firstOfEachClass, matmulGroup, TUNE_RUNS, type TuneGroup } from './tune-group.ts';

/**
 * What `tune` measures so that these jobs run tuned: their classes alone, at their sizes, one group a class. Jobs that name their
 * kernels (a kernel variant, a configuration, an earlier step of the ablation) have no class.
 *
 * @param most candidates of a class, at least 2: the default and others from all over the list
 */
export function jobTuneGroups(
  jobs: readonly BenchJob[],
  capabilities: DeviceCapabilities,
  most = Number.POSITIVE_INFINITY,
): TuneGroup[] {
  const untuned = { ...capabilities, tuning: undefined };
  const groups = jobs.flatMap((job): TuneGroup[] => {
    if (job.kind === 'depth-gather' || job.config !== undefined) return [];
    if (job.kind === 'matmul')
      return job.variant === 'default' && job.weights === undefined ? [matmulGroup(job, untuned)] : [];
    return job.implementation === 'shipped' ? attentionGroups(job, untuned) : [];
  });
  return firstOfEachClass(groups).map((group) => ({ ...group, jobs: spread(group.jobs, most) }));
}

function attentionGroups(job: AttentionJob, capabilities: DeviceCapabilities): TuneGroup[] {
  const { problem } = job;
  const few = { ...job, runs: Math.min(TUNE_RUNS, job.runs) };
  const sequence = { ...few, problem: { ...problem, depth: null } };
  const depth = { ...few, problem: { ...problem, hasSequence: false } };
  return [
    ...(problem.hasSequence ? [attentionGroup('sequence', sequence, capabilities)] : []),
    ...(problem.depth ? [attentionGroup('depth', depth, capabilities)] : []),
  ];
}

/** The first, and `most - 1` evenly spaced of the others up to the last: neighbours in the list are alike. */
function spread<T>(all: readonly T[], most: number): readonly T[] {
  if (all.length <= most) return all;
  return Array.from({ length: most }, (_, n) => all[Math.round((n * (all.length - 1)) / (most - 1))]!);
}
