import type { AttentionConfig } from '@modajs/kernels';
import type { AttentionJob } from '../job.ts';
import type { DeviceTraits } from '../measure/device-traits.ts';
import { describeProblem, paperProblem } from './paper-problem.ts';
import { attentionReferences } from './references.ts';
import { type BenchScale, scaleAttention } from './scale.ts';

/** Causal attention of 64 heads in groups of 8: every kernel variant at T = 4096, then the default at longer T, and in f32. */
export function attentionPreset(traits: DeviceTraits, scale: BenchScale): AttentionJob[] {
  const variants: readonly (readonly [string, AttentionConfig | undefined])[] = [
    ['rows', { sequence: 'rows' }],
    ['tile', { sequence: 'tile' }],
    ['default', undefined],
  ];
  const shown = traits.kind === 'webgpu' ? variants : variants.slice(2);
  const jobs = [
    ...shown.map(([variant, config]) => jobOf(4096, 'f16', variant, config)),
    jobOf(4096, 'f32', 'default', undefined),
    jobOf(16384, 'f16', 'default', undefined),
    jobOf(65536, 'f16', 'default', undefined),
  ].map((job) => named(scaleAttention(job, traits, scale)));
  return [...new Map(jobs.map((job) => [job.name, job])).values()];
}

function jobOf(T: number, dtype: 'f32' | 'f16', variant: string, config: AttentionConfig | undefined): AttentionJob {
  const problem = { ...paperProblem(T, 64, 8, 0), dtype, depthGrad: { dtype, accumulate: false } };
  return {
    kind: 'attention',
    preset: 'attention',
    implementation: 'shipped',
    direction: 'both',
    id: `attention/T=${T}/${dtype}/${variant}`,
    name: variant,
    problem,
    runs: variant === 'rows' ? 2 : T > 16384 ? 3 : 5,
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
