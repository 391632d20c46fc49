import { spawn } from 'node:child_process';
import {
  type BenchCeilings,
  type BenchJob,
  type BenchRow,
  type BenchScale,
  emptyRow,
  runBench,
  withExtraTime,
} from '@modajs/bench';
import { type BenchDeviceOptions, openBenchDevice } from './open-bench-device.ts';

/** What rows are measured with. */
export interface RowSettings extends BenchDeviceOptions {
  readonly scale: BenchScale;
  readonly ceilings: BenchCeilings;
  readonly memoryLimitBytes?: number;
}

/** What a child process is told on its standard input. */
export interface RowRequest {
  readonly jobs: readonly BenchJob[];
  readonly settings: RowSettings;
}

/** Start of the line on which a child process answers. */
const ANSWER = 'bench-row: ';
const CHILD_TIMEOUT_MS = 600_000;

/** All jobs in this process, on one device. */
export async function* rowsHere(jobs: readonly BenchJob[], settings: RowSettings): AsyncGenerator<BenchRow> {
  const device = await openBenchDevice(settings);
  try {
    yield* runBench(jobs, device, settings);
  } finally {
    device.destroy();
  }
}

/**
 * A process for each job: pipelines that a process compiled before can slow later ones down several times over, and a driver
 * that aborts costs one row.
 */
export async function* rowsIsolated(jobs: readonly BenchJob[], settings: RowSettings): AsyncGenerator<BenchRow> {
  const rows: BenchRow[] = [];
  for (const job of jobs) {
    const row = withExtraTime((await rowsOfChild({ jobs: [job], settings }))[0], rows);
    rows.push(row);
    yield row;
  }
}

/**
 * Measures jobs in one process of their own; those it did not come to are `failed`.
 * Runs this very program again: a bundle that was copied elsewhere starts itself, not a package.
 */
export function rowsOfChild(request: RowRequest): Promise<BenchRow[]> {
  const child = spawn(process.execPath, [process.argv[1]!, 'bench-row'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), CHILD_TIMEOUT_MS);
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  child.stdin.on('error', () => {}); // a child that died early is reported by its exit
  child.stdin.end(JSON.stringify(request));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const lines = output.split('\n').filter((text) => text.startsWith(ANSWER));
      const rows = lines.map((line) => JSON.parse(line.slice(ANSWER.length)) as BenchRow);
      const reason = `the process ended with ${signal ?? code}: ${errors.slice(-400).trim()}`;
      resolve(request.jobs.map((job) => rows.find(({ id }) => id === job.id) ?? emptyRow(job, 'failed', reason)));
    });
  });
}

/** The child's side: reads a request, measures, answers row by row. */
export async function answerRowRequest(): Promise<void> {
  let text = '';
  for await (const piece of process.stdin.setEncoding('utf8')) text += piece;
  const { jobs, settings } = JSON.parse(text) as RowRequest;
  for await (const row of rowsHere(jobs, settings)) console.log(`${ANSWER}${JSON.stringify(row)}`);
}
