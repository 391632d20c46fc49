import {
  attentionCandidates,
  type DeviceCapabilities,
  depthClass,
  matmulCandidates,
  matmulClass,
  sequenceClass,
} from '@modajs/kernels';
import type { AttentionJob, BenchJob, MatmulJob } from '../job.ts';
import type { DeviceTraits } from '../measure/device-traits.ts';
import { matmulProblem } from '../measure/matmul-problem.ts';
import { PRODUCTS, productJob } from '../presets/matmul-preset.ts';
import { paperProblem } from '../presets/paper-problem.ts';
import { type BenchScale, scaleAttention, scaleMatmul } from '../presets/scale.ts';

/** All candidates of one class of shapes: the default first, each a job with a configuration of its own. */
export interface TuneGroup {
  /** Key in the tuning table. */
  readonly shapeClass: string;
  readonly kind: 'matmul' | 'sequence' | 'depth';
  readonly jobs: readonly BenchJob[];
}

/** Heads and lengths of the paper's models, and of its benchmark: `[T, H, Hkv]`, D = 64. */
const ATTENTIONS: readonly (readonly [T: number, H: number, Hkv: number])[] = [
  [512, 6, 2],
  [4096, 16, 8],
  [4096, 64, 8],
  [16384, 64, 8],
];
const RUNS = 5;
/** Of a class at smoke scale: software adapters compile each for seconds. */
const SMOKE_CANDIDATES = 3;

/** What `tune` measures on a device: every product and attention that the presets know, at a scale, one group a class. */
export function tuneGroups(capabilities: DeviceCapabilities, traits: DeviceTraits, scale: BenchScale): TuneGroup[] {
  // Candidates are compared with what the device would do by itself.
  const untuned = { ...capabilities, tuning: undefined };
  const groups = [
    ...PRODUCTS.map((product) => matmulGroup(scaleMatmul(productJob(product, 'default'), traits, scale), untuned)),
    ...ATTENTIONS.flatMap(([T, H, Hkv]) =>
      (traits.f16 ? (['f16', 'f32'] as const) : (['f32'] as const)).flatMap((dtype) => {
        const sequence = scaleAttention(attentionJob(T, H, Hkv, 0, dtype), traits, scale);
        const depth = scaleAttention(attentionJob(T, H, Hkv, 64, dtype), traits, scale);
        return [attentionGroup('sequence', sequence, untuned), attentionGroup('depth', depth, untuned)];
      }),
    ),
  ];
  const unique = new Map<string, TuneGroup>();
  for (const group of groups) {
    const jobs = scale === 'smoke' ? group.jobs.slice(0, SMOKE_CANDIDATES) : group.jobs;
    if (jobs.length > 1 && !unique.has(group.shapeClass)) unique.set(group.shapeClass, { ...group, jobs });
  }
  return [...unique.values()];
}

function matmulGroup(job: MatmulJob, capabilities: DeviceCapabilities): TuneGroup {
  const problem = matmulProblem(job);
  const shapeClass = matmulClass(problem);
  const jobs = matmulCandidates(problem, capabilities).map((config, n): MatmulJob => {
    return { ...candidate(job, shapeClass, n), runs: Math.min(RUNS, job.runs), config };
  });
  // The naive kernel is only worth timing where the default is it, or the product small.
  const isSmall = job.M * job.N * job.K <= 2 ** 24;
  return {
    shapeClass,
    kind: 'matmul',
    jobs: jobs.filter(({ config }, n) => n === 0 || isSmall || config?.kind !== 'naive'),
  };
}

function attentionJob(T: number, H: number, Hkv: number, slots: number, dtype: 'f32' | 'f16'): AttentionJob {
  const problem = paperProblem(T, H, Hkv, slots);
  return {
    ...{
      kind: 'attention',
      preset: 'tune',
      id: '',
      name: '',
      implementation: 'shipped',
      direction: 'both',
      runs: RUNS,
    },
    problem: { ...problem, dtype, depthGrad: { dtype, accumulate: false }, hasSequence: slots === 0 },
  };
}

function attentionGroup(kind: 'sequence' | 'depth', job: AttentionJob, capabilities: DeviceCapabilities): TuneGroup {
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
