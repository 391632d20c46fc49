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
  readonly job: BenchJob;
  readonly settings: RowSettings;
}

/** Start of the line on which a child process answers. */
const ANSWER = 'bench-row: ';
const ROW_TIMEOUT_MS = 600_000;

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
    const row = withExtraTime(await rowOfChild({ job, settings }), rows);
    rows.push(row);
    yield row;
  }
}

/** Runs this very program again: a bundle that was copied elsewhere starts itself, not a package. */
function rowOfChild(request: RowRequest): Promise<BenchRow> {
  const child = spawn(process.execPath, [process.argv[1]!, 'bench-row'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), ROW_TIMEOUT_MS);
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
      const line = output.split('\n').find((text) => text.startsWith(ANSWER));
      if (line) resolve(JSON.parse(line.slice(ANSWER.length)) as BenchRow);
      else
        resolve(
          emptyRow(request.job, 'failed', `the process ended with ${signal ?? code}: ${errors.slice(-400).trim()}`),
        );
    });
  });
}

/** The child's side: reads a request, measures, answers. */
export async function answerRowRequest(): Promise<void> {
  let text = '';
  for await (const piece of process.stdin.setEncoding('utf8')) text += piece;
  const { job, settings } = JSON.parse(text) as RowRequest;
  for await (const row of rowsHere([job], settings)) console.log(`${ANSWER}${JSON.stringify(row)}`);
}
