import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { CaseJob, FoundFault } from './case-job.ts';

/** How a case process ended, and where. */
export interface Ending {
  /** -1 when none began. */
  readonly lastCase: number;
  readonly reason: 'done' | 'slow' | 'memory' | 'died' | 'time is up';
  /** What the process printed last, or its exit code. */
  readonly detail: string;
  /** The input, for a job of one case. */
  readonly bytes: Uint8Array;
}

export interface JobLimits {
  readonly caseMs: number;
  /** Time on `performance.now()`'s clock at which the job is stopped; what loading the target takes comes on top. */
  readonly endMs: number;
}

/** Loading the target and making its seeds, on a busy machine. */
const startMs = 60_000;
const v8HeapMiB = 512;

/** Runs a job in a process of its own and stops it when a case takes too long. */
export function runJob(
  caseProcess: string,
  job: CaseJob,
  { caseMs, endMs }: JobLimits,
  onFault: (fault: FoundFault) => void = () => {},
): Promise<Ending> {
  const child = spawn(process.execPath, [`--max-old-space-size=${v8HeapMiB}`, caseProcess, JSON.stringify(job)], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  let lastCase = -1;
  let reason: Ending['reason'] = 'done';
  let bytes = new Uint8Array();
  const begin = performance.now();
  let caseEnds = begin + startMs;
  let loadMs: number | null = null;
  let stderr = '';
  (child.stderr as Readable).on('data', (text) => {
    stderr = (stderr + text).slice(-2000);
  });
  const lines = createInterface({ input: child.stdio[3] as Readable });
  lines.on('line', (line) => {
    caseEnds = performance.now() + caseMs;
    const [word, ...rest] = line.split(' ');
    const text = rest.join(' ');
    if (word === 'memory') reason = 'memory';
    else if (word === 'bytes') bytes = new Uint8Array(Buffer.from(text, 'base64'));
    else if (word === 'fault') {
      const fault = JSON.parse(text);
      onFault({ ...fault, bytes: new Uint8Array(Buffer.from(fault.bytes, 'base64')) });
    } else {
      lastCase = Number(word);
      loadMs ??= performance.now() - begin;
    }
  });
  const stop = (why: Ending['reason']): void => {
    reason = why;
    child.kill('SIGKILL');
  };
  const watch = setInterval(() => {
    const now = performance.now();
    if (loadMs !== null && now > endMs + loadMs) stop('time is up');
    else if (now > caseEnds) stop('slow');
  }, 50);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearInterval(watch);
      if (reason === 'done' && code !== 0) reason = 'died';
      const fatal = /FATAL ERROR: [^\n]*|^\w*Error: [^\n]*/m.exec(stderr)?.[0];
      resolve({ lastCase, reason, detail: fatal ?? `exit code ${code ?? signal}`, bytes });
    });
  });
}
