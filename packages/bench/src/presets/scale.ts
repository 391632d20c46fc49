import type { AttentionProblem } from '@modajs/kernels';
import { attentionBackwardCost, attentionForwardCost, costOf, operandBytes } from '../cost.ts';
import type { AttentionJob, BenchJob, MatmulJob } from '../job.ts';
import type { DeviceTraits } from '../measure/device-traits.ts';
import { memoryObstacle } from '../measure/memory-obstacle.ts';

/** `paper`: the shapes as published, skipped where they do not fit. `fit`: halved until they fit memory and about a second. `smoke`: tiny. */
export type BenchScale = 'paper' | 'fit' | 'smoke';

/** Memory that the operands of one job may take where the caller names no limit. */
export const MEMORY_LIMITS: Readonly<Record<BenchScale, number>> = {
  paper: Number.POSITIVE_INFINITY,
  fit: 2 * 2 ** 30,
  smoke: 256 * 2 ** 20,
};

/** Seconds of one run of a `fit` row, by the device's assumed speed. */
const FIT_SECONDS = 0.5;
const SMOKE_FLOPS = 2e7;

/** A job of the device's storage type, scaled. Names and ids are made after scaling, so they tell the sizes that run. */
export function scaleMatmul(job: MatmulJob, traits: DeviceTraits, scale: BenchScale): MatmulJob {
  const typed = scale !== 'paper' && !traits.f16 ? { ...job, dtype: 'f32' as const, outDtype: 'f32' as const } : job;
  let scaled = { ...typed, ...scaledRuns(job.runs, scale) };
  while (isTooLarge(scaled, traits, scale) && Math.max(scaled.M, scaled.N, scaled.K) > (scaled.weights ? 32 : 16)) {
    const half = (extent: number) => (extent > 16 ? Math.ceil(extent / 2) : extent);
    const { M, N, K } = scaled;
    // Whole blocks.
    const length = scaled.weights ? Math.max(32, half(K)) : half(K);
    scaled = { ...scaled, M: half(M), N: half(N), K: length, copies: Math.ceil(scaled.copies / 2) };
  }
  return scaled;
}

/** As `scaleMatmul`: halves T, then the slots, then the heads. */
export function scaleAttention(job: AttentionJob, traits: DeviceTraits, scale: BenchScale): AttentionJob {
  const dtype = scale !== 'paper' && !traits.f16 ? 'f32' : job.problem.dtype;
  const depthGrad = job.problem.depthGrad && { ...job.problem.depthGrad, dtype };
  let scaled: AttentionJob = {
    ...job,
    ...scaledRuns(job.runs, scale),
    problem: { ...job.problem, dtype, ...(depthGrad ? { depthGrad } : {}) },
  };
  while (isTooLarge(scaled, traits, scale)) {
    const smaller = halved(scaled.problem);
    if (smaller === null) break;
    scaled = { ...scaled, problem: smaller };
  }
  const { T, H, depth } = job.problem;
  const isPublished = scaled.problem.T === T && scaled.problem.H === H && scaled.problem.depth?.S === depth?.S;
  return isPublished ? scaled : { ...scaled, references: [] };
}

function scaledRuns(runs: number, scale: BenchScale): { runs: number } {
  return { runs: scale === 'smoke' ? Math.min(2, runs) : runs };
}

function isTooLarge(job: BenchJob, traits: DeviceTraits, scale: BenchScale): boolean {
  if (scale === 'paper') return false;
  const flops = job.kind === 'attention' ? workOf(job) : costOf(job).flops;
  const most = scale === 'smoke' ? SMOKE_FLOPS : traits.assumedFlops * FIT_SECONDS;
  return flops > most || memoryObstacle(job, traits, MEMORY_LIMITS[scale]) !== null;
}

/** Operations that an implementation really does: the first steps of the ablation visit every depth column of every position. */
function workOf({ problem, implementation, direction }: AttentionJob): number {
  const visits = { shipped: 1, 'chunk-range': 32, flat: problem.T, naive: problem.T }[implementation];
  const seen = problem.depth ? { ...problem, depth: { ...problem.depth, S: problem.depth.S * visits } } : problem;
  return attentionForwardCost(seen).flops + (direction === 'both' ? attentionBackwardCost(seen).flops : 0);
}

function halved(problem: AttentionProblem): AttentionProblem | null {
  const { T, Tk, H, Hkv, depth } = problem;
  if (T > 64) {
    const half = T >> 1;
    return { ...problem, T: half, Tk: Tk - T + half, depth: depth && { ...depth, Td: depth.Td - T + half } };
  }
  if (depth && depth.S > 4) return { ...problem, depth: { ...depth, S: depth.S >> 1, segments: [depth.S >> 1] } };
  if (Hkv > 1) return { ...problem, H: H / 2, Hkv: Hkv / 2 };
  if (T > 16) {
    const half = T >> 1;
    return { ...problem, T: half, Tk: Tk - T + half, depth: depth && { ...depth, Td: depth.Td - T + half } };
  }
  return null;
}

/** Bytes of a job's operands, for people who ask before they run. */
export function jobBytes(job: BenchJob): number {
  return Object.values(operandBytes(job)).reduce((sum, bytes) => sum + bytes, 0);
}
