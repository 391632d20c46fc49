import { readFile, writeFile } from 'node:fs/promises';
import {
  type BenchJob,
  type BenchRow,
  type BenchScale,
  benchEnvironment,
  benchPresets,
  createBenchResult,
  deviceTraits,
  dtypesOf,
  measureCeilings,
} from '@modajs/bench';
import { ConfigError, type Device, type DeviceName } from '@modajs/tensor';
import { benchHeader, benchLine, describeCeilings } from '../../terminal/bench-table.ts';
import { type RowSettings, rowsHere, rowsIsolated } from './bench-rows.ts';
import { openBenchDevice } from './open-bench-device.ts';

/** Options of `moda bench`. */
export interface BenchOptions {
  readonly device: DeviceName;
  readonly scale: BenchScale;
  readonly robustness: 'on' | 'off';
  /** `browser`: no tensor cores, bounds checks on. */
  readonly as: 'browser' | 'node';
  /** Parts of row names, comma-separated. */
  readonly rows?: string;
  readonly runs?: number;
  readonly json?: string;
  readonly isolate?: boolean;
  readonly threads?: number;
  readonly memoryLimit?: number;
  readonly tuned?: boolean;
  /** `f16=989`: TFLOP/s to compare with instead of the measured product. */
  readonly peak?: Readonly<Partial<Record<'f32' | 'f16', number>>>;
}

/** Runs a preset, prints a line a row as it comes, and writes all of them as JSON. Exit code 1 when a row failed. */
export async function benchPreset(name: keyof typeof benchPresets, options: BenchOptions): Promise<void> {
  await benchJobs((device) => benchPresets[name](deviceTraits(device), options.scale), options);
}

/** Runs the jobs in a JSON file: a list of `BenchJob`, for experiments with configurations. */
export async function benchFile(file: string, options: BenchOptions): Promise<void> {
  const jobs = parseJobs(file, await readFile(file, 'utf8'));
  await benchJobs(() => jobs, options);
}

async function benchJobs(jobsFor: (device: Device) => readonly BenchJob[], options: BenchOptions): Promise<void> {
  const { scale, as, threads } = options;
  const robustness = as === 'browser' ? 'on' : options.robustness;
  const device = await openBenchDevice(options);
  const environment = benchEnvironment(device, { robustness, as, runtime: `Node ${process.version}` });
  const jobs = chosenJobs(jobsFor(device), options);
  console.log(`${environment.adapter}${environment.driver ? `, ${environment.driver}` : ''}`);
  const path = environment.as === 'browser' ? ', as a browser has it: no tensor cores' : '';
  console.log(`bounds checks ${environment.robustness ?? 'not applicable'}${path}, scale ${scale}`);
  const measured = await measureCeilings(device, { scale, dtypes: dtypesOf(jobs) });
  device.destroy();
  const ceilings = { ...measured, flopsPerSecond: { ...measured.flopsPerSecond, ...givenPeaks(options.peak) } };
  console.log(`${describeCeilings(ceilings)}\n`);
  const settings: RowSettings = {
    scale,
    robustness,
    as,
    ceilings,
    device: environment.device === 'webgpu' ? 'webgpu' : options.device,
    ...(threads === undefined ? {} : { threads }),
    ...(options.tuned ? { tuned: true } : {}),
    ...(options.memoryLimit === undefined ? {} : { memoryLimitBytes: options.memoryLimit * 2 ** 30 }),
  };
  const isIsolated = options.isolate ?? environment.device === 'webgpu';
  const rows: BenchRow[] = [];
  console.log(benchHeader(jobs));
  for await (const row of (isIsolated ? rowsIsolated : rowsHere)(jobs, settings)) {
    rows.push(row);
    console.log(benchLine(row, jobs));
    // After each row: what was measured stays, whatever happens to the rest.
    if (options.json) await writeJson(options.json, createBenchResult(environment, ceilings, rows));
  }
  if (rows.some(({ status }) => status === 'failed')) process.exitCode = 1;
}

/** The jobs whose id or name has one of the given parts, and the baselines they need. */
function chosenJobs(jobs: readonly BenchJob[], { rows, runs }: BenchOptions): BenchJob[] {
  const parts = rows?.split(',').map((part) => part.trim().toLowerCase());
  const isNamed = ({ id, name }: BenchJob) =>
    !parts || parts.some((part) => `${id} ${name}`.toLowerCase().includes(part));
  const needed = new Set(jobs.filter(isNamed).flatMap(({ id, baseline }) => (baseline ? [id, baseline] : [id])));
  if (needed.size === 0) {
    throw new ConfigError(
      `bench: --rows must match a row, got "${rows}". There are ${jobs.map(({ id }) => id).join(', ')}.`,
    );
  }
  return jobs.filter(({ id }) => needed.has(id)).map((job) => (runs === undefined ? job : { ...job, runs }));
}

function parseJobs(file: string, text: string): BenchJob[] {
  const isJob = (job: unknown) =>
    typeof job === 'object' && job !== null && 'id' in job && 'kind' in job && 'runs' in job && 'name' in job;
  try {
    const jobs: unknown = JSON.parse(text);
    if (Array.isArray(jobs) && jobs.length > 0 && jobs.every(isJob)) return jobs as BenchJob[];
  } catch {
    // Said below.
  }
  throw new ConfigError(
    `bench: ${file} must hold a JSON list of jobs with id, name, kind and runs. Take one from a row's "job".`,
  );
}

function givenPeaks(peak: BenchOptions['peak']) {
  return Object.fromEntries(
    Object.entries(peak ?? {}).map(([dtype, tflops]) => [dtype, { value: tflops * 1e12, source: 'given' }]),
  );
}

/** Writes a benchmark file, indented as the repository keeps them. */
export async function writeJson(file: string, value: unknown): Promise<void> {
  await writeFile(file, `${JSON.stringify(value, null, 1)}\n`);
}
