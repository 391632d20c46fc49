import { ModaError } from '@modajs/tensor';
import { costOf } from '../cost.ts';
import type { BenchJob } from '../job.ts';
import type { BenchCeilings, BenchFloors, BenchRow } from '../result.ts';
import type { BenchSession, BenchTarget, Timing } from './bench-target.ts';
import { measureAttention } from './measure-attention.ts';
import { measureDepthGather } from './measure-depth-gather.ts';
import { measureMatmul } from './measure-matmul.ts';
import type { Measurement } from './measurement.ts';
import { memoryObstacle } from './memory-obstacle.ts';
import { summarize } from './statistics.ts';

/** Measures one job; what goes wrong is a row too: `skipped` for what the device cannot hold, `failed` with the error's message. */
export async function measureJob(
  job: BenchJob,
  target: BenchTarget,
  ceilings: BenchCeilings,
  memoryLimitBytes: number,
): Promise<BenchRow> {
  const obstacle = memoryObstacle(job, target.traits, memoryLimitBytes);
  if (obstacle !== null) return emptyRow(job, 'skipped', obstacle);
  const session = target.openSession();
  try {
    return rowOf(job, await measure(job, session), ceilings);
  } catch (error) {
    if (error instanceof ModaError) return emptyRow(job, 'failed', error.message);
    throw error;
  } finally {
    session.close();
  }
}

function measure(job: BenchJob, session: BenchSession): Promise<Measurement> {
  if (job.kind === 'matmul') return measureMatmul(job, session);
  return job.kind === 'depth-gather' ? measureDepthGather(job, session) : measureAttention(job, session);
}

/** A row without times. */
export function emptyRow(job: BenchJob, status: 'skipped' | 'failed', reason: string): BenchRow {
  return {
    ...rowHead(job),
    status,
    reason,
    implementation: '',
    total: null,
    timedBy: 'wall',
    tflops: null,
    floors: { arithmeticMs: null, bandwidthMs: null, arithmeticShare: null, bandwidthShare: null },
    errors: {},
    tolerance: 0,
  };
}

function rowHead(job: BenchJob) {
  return {
    id: job.id,
    preset: job.preset,
    name: job.name,
    job,
    library: 'modajs',
    dtype: job.kind === 'matmul' ? job.dtype : job.problem.dtype,
    ...costOf(job),
    ...(job.baseline === undefined ? {} : { baseline: job.baseline }),
    ...(job.references === undefined ? {} : { references: job.references }),
  };
}

function rowOf(job: BenchJob, measurement: Measurement, ceilings: BenchCeilings): BenchRow {
  const { forward, backward, implementation, isTuned, errors, tolerance } = measurement;
  const { flops, bytes } = costOf(job);
  const total = summarize(backward ? forward.timesMs.map((ms, run) => ms + backward.timesMs[run]!) : forward.timesMs);
  const passes = { ...forward.passMs, ...backward?.passMs };
  return {
    ...rowHead(job),
    status: 'measured',
    implementation,
    ...(isTuned === undefined ? {} : { isTuned }),
    total,
    ...(job.kind === 'attention' ? { forward: summarize(forward.timesMs) } : {}),
    ...(backward ? { backward: summarize(backward.timesMs) } : {}),
    ...(Object.keys(passes).length > 0 ? { passes } : {}),
    timedBy: timedBy(forward, backward),
    tflops: flops / total.medianMs / 1e9,
    floors: floorsOf(job, flops, bytes, total.medianMs, ceilings),
    errors,
    tolerance,
  };
}

function timedBy(forward: Timing, backward?: Timing): 'timestamps' | 'wall' {
  return forward.timedBy === 'timestamps' && backward?.timedBy !== 'wall' ? 'timestamps' : 'wall';
}

function floorsOf(job: BenchJob, flops: number, bytes: number, medianMs: number, ceilings: BenchCeilings): BenchFloors {
  const dtype = job.kind === 'matmul' ? job.dtype : job.problem.dtype;
  const peak = ceilings.flopsPerSecond[dtype]?.value;
  const arithmeticMs = peak === undefined ? null : (flops * 1000) / peak;
  const { copyBytesPerSecond } = ceilings;
  const bandwidthMs = copyBytesPerSecond === null ? null : (bytes * 1000) / copyBytesPerSecond;
  return {
    arithmeticMs,
    bandwidthMs,
    arithmeticShare: arithmeticMs === null ? null : arithmeticMs / medianMs,
    bandwidthShare: bandwidthMs === null ? null : bandwidthMs / medianMs,
  };
}
