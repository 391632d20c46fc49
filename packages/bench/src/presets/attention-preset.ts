import type { AttentionConfig } from '@modajs/kernels';
import type { AttentionJob } from '../job.ts';
import type { DeviceTraits } from '../measure/device-traits.ts';
import { describeProblem, paperProblem } from './paper-problem.ts';
import { attentionReferences } from './references.ts';
import { type BenchScale, scaleAttention } from './scale.ts';

/** Causal attention of 64 heads in groups of 8: the ladder at T = 4096, then the default at longer T, and in f32. */
export function attentionPreset(traits: DeviceTraits, scale: BenchScale): AttentionJob[] {
  const rungs: readonly (readonly [string, AttentionConfig | undefined])[] = [
    ['rows', { sequence: 'rows' }],
    ['tile', { sequence: 'tile' }],
    ['default', undefined],
  ];
  const ladder = traits.kind === 'webgpu' ? rungs : rungs.slice(2);
  const jobs = [
    ...ladder.map(([rung, config]) => jobOf(4096, 'f16', rung, config)),
    jobOf(4096, 'f32', 'default', undefined),
    jobOf(16384, 'f16', 'default', undefined),
    jobOf(65536, 'f16', 'default', undefined),
  ].map((job) => named(scaleAttention(job, traits, scale)));
  return [...new Map(jobs.map((job) => [job.name, job])).values()];
}

function jobOf(T: number, dtype: 'f32' | 'f16', rung: string, config: AttentionConfig | undefined): AttentionJob {
  const problem = { ...paperProblem(T, 64, 8, 0), dtype, depthGrad: { dtype, accumulate: false } };
  return {
    kind: 'attention',
    preset: 'attention',
    implementation: 'shipped',
    direction: 'both',
    id: `attention/T=${T}/${dtype}/${rung}`,
    name: rung,
    problem,
    runs: rung === 'rows' ? 2 : T > 16384 ? 3 : 5,
    ...(config ? { config } : {}),
    references: dtype === 'f16' ? attentionReferences(problem) : [],
  };
}

function named(job: AttentionJob): AttentionJob {
  return {
    ...job,
    name: job.name === 'default' ? describeProblem(job.problem) : `${describeProblem(job.problem)} ${job.name}`,
  };
}
