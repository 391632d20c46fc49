import type { Device, Platform } from '@modajs/tensor';
import { withExtraTime } from './extra-time.ts';
import type { BenchJob } from './job.ts';
import { benchTarget } from './measure/bench-target-of.ts';
import { measureJob } from './measure/measure-job.ts';
import { measureCeilings } from './measure-ceilings.ts';
import { type BenchScale, MEMORY_LIMITS } from './presets/scale.ts';
import type { BenchCeilings, BenchRow } from './result.ts';

/** What is about to happen. */
export type BenchProgress =
  | { readonly kind: 'ceilings' }
  | { readonly kind: 'measured-ceilings'; readonly ceilings: BenchCeilings }
  | { readonly kind: 'job'; readonly index: number; readonly count: number; readonly job: BenchJob };

export interface RunBenchOptions {
  /** Decides the default memory limit and the size of the ceilings' measurements; `fit` by default. */
  readonly scale?: BenchScale;
  /** Limits of the machine from an earlier run; measured first when absent. */
  readonly ceilings?: BenchCeilings;
  /** Bytes that the operands of one job may take. */
  readonly memoryLimitBytes?: number;
  /** Rows from before, where baselines are looked for too. */
  readonly earlierRows?: readonly BenchRow[];
  /** Stops after the job in progress. */
  readonly signal?: Platform<'AbortSignal'>;
  readonly onProgress?: (event: BenchProgress) => void;
}

/**
 * Measures jobs one after another on a device opened by `init`, checks each against f64 on sampled rows, and yields a row for each:
 * skipped ones say what does not fit, failed ones what went wrong. Baselines come before the jobs that name them.
 *
 * @example
 * const device = await init({ device: 'webgpu' });
 * for await (const row of runBench(benchPresets.moda(deviceTraits(device), 'fit'), device)) console.log(row.name, row.total);
 */
export async function* runBench(
  jobs: readonly BenchJob[],
  device: Device,
  options: RunBenchOptions = {},
): AsyncGenerator<BenchRow, void, undefined> {
  const { scale = 'fit', signal, onProgress, memoryLimitBytes = MEMORY_LIMITS[scale] } = options;
  const target = benchTarget(device);
  const ceilings = options.ceilings ?? (await ceilingsFor(jobs, device, scale, onProgress));
  const rows: BenchRow[] = [...(options.earlierRows ?? [])];
  for (const [index, job] of jobs.entries()) {
    if (signal?.aborted) return;
    onProgress?.({ kind: 'job', index, count: jobs.length, job });
    const row = withExtraTime(await measureJob(job, target, ceilings, memoryLimitBytes), rows);
    rows.push(row);
    yield row;
  }
}

async function ceilingsFor(
  jobs: readonly BenchJob[],
  device: Device,
  scale: BenchScale,
  onProgress: RunBenchOptions['onProgress'],
): Promise<BenchCeilings> {
  onProgress?.({ kind: 'ceilings' });
  const ceilings = await measureCeilings(device, { scale, dtypes: dtypesOf(jobs) });
  onProgress?.({ kind: 'measured-ceilings', ceilings });
  return ceilings;
}

/** Storage types that jobs compute in. */
export function dtypesOf(jobs: readonly BenchJob[]): ('f32' | 'f16')[] {
  return [...new Set(jobs.map((job) => (job.kind === 'matmul' ? job.dtype : job.problem.dtype)))];
}
