import type { BenchJob, BenchRow } from '@modajs/bench';

/** What a row computes, for people and as the key that rows of several machines share. */
export function problemOf({ job, name }: BenchRow): string {
  return job === undefined ? name : problemOfJob(job);
}

function problemOfJob(job: BenchJob): string {
  if (job.kind === 'matmul') {
    const { M, N, K, layout, dtype, outDtype, copies, weights } = job;
    const types = dtype === outDtype ? `${dtype}${weights ? ` by ${weights}` : ''}` : `${dtype} to ${outDtype}`;
    return `${M} x ${N} x ${K} ${layout} ${types}${copies > 1 ? ', from memory' : ''}`;
  }
  const { T, H, Hkv, D, depth, dtype, hasSequence } = job.problem;
  const parts = [`T=${T}`, `H=${H}`, `Hkv=${Hkv}`, `D=${D}`, ...(depth ? [`S=${depth.S}`] : []), dtype];
  if (job.kind === 'depth-gather') return `${parts.join(' ')}, depth gradients of ${job.readers} readers`;
  const direction = job.direction === 'forward' ? ' forward' : '';
  return `${parts.join(' ')}${hasSequence ? '' : ', depth only'}${direction}`;
}

/** Which of several ways a row took; empty for the kernels' own choice. */
export function variantOf({ job }: BenchRow): string {
  if (job === undefined) return '';
  if (job.kind === 'depth-gather') return '';
  if (job.kind === 'matmul') return job.variant === 'default' ? '' : job.variant;
  if (job.implementation !== 'shipped') return job.implementation;
  return job.config?.sequence ?? (job.preset === 'ablation' ? 'shipped' : '');
}

/**
 * The share of the time that depth adds; null where it was not measured, or where the whole took less than half of its
 * baseline: then the baseline is at fault (a first process on a fresh machine compiles while it is timed).
 */
export function extraTimeOf({ extraTime }: BenchRow): number | null {
  return extraTime === undefined || extraTime < -1 ? null : extraTime;
}

/** The size of the problem along one letter; null where it has none. */
export function extentOf({ job }: BenchRow, letter: 'T' | 'G' | 'L'): number | null {
  if (job?.kind !== 'attention' || !job.problem.hasSequence) return null;
  const { T, H, Hkv, depth } = job.problem;
  return { T, G: H / Hkv, L: depth?.S ?? 0 }[letter];
}
