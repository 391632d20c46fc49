import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CaseJob, FoundFault } from './case-job.ts';
import { minimise } from './minimise.ts';
import { type Ending, runJob } from './run-job.ts';

export interface RunOptions {
  /** URL of the target's bundle. */
  readonly module: string;
  /** Path of `case-process`'s bundle. */
  readonly caseProcess: string;
  readonly cases: number;
  readonly seed: number;
  /** Stops before `cases` when the time is up. Default: no limit. */
  readonly seconds?: number;
  /** Run this file as the only case. */
  readonly file?: string;
  /** Limits of one case: 5 s, and growth of the resident size by 512 MiB. V8's heap has 512 MiB in any case. */
  readonly caseMs?: number;
  readonly memoryMiB?: number;
}

export interface RunReport {
  /** Cases that ran to an end. */
  readonly cases: number;
  /** The first fault of each kind, with the smallest input that was found in time. */
  readonly faults: readonly FoundFault[];
  /** Faults of all kinds, repeated ones too. */
  readonly faultCount: number;
}

const minimiseMs = 20_000;

/**
 * Runs a target's cases in a child process. A case that overruns its limits or ends the process is run again alone
 * before it counts, so that neither the memory of earlier cases nor a busy moment does; then the next cases go on in a new process.
 */
export async function runTarget(options: RunOptions): Promise<RunReport> {
  const { caseProcess, cases, seed, module, file, caseMs = 5000, memoryMiB = 512 } = options;
  const endMs = performance.now() + (options.seconds ?? Number.POSITIVE_INFINITY) * 1000;
  const faults = new Map<string, FoundFault>();
  let faultCount = 0;
  const onFault = (fault: FoundFault): void => {
    const known = faults.get(fault.kind);
    if (known === undefined || known.case !== fault.case) faultCount++;
    if (known === undefined || (known.case === fault.case && fault.bytes.length <= known.bytes.length))
      faults.set(fault.kind, fault);
  };
  const jobOf = (from: number, to: number): CaseJob => ({
    module,
    seed,
    from,
    to,
    ...(file === undefined ? {} : { file }),
    memoryBytes: memoryMiB * 2 ** 20,
    known: [...faults.keys()],
  });
  const alone = (job: CaseJob): Promise<Ending> =>
    runJob(caseProcess, job, { caseMs, endMs: Number.POSITIVE_INFINITY }, onFault);

  let next = 0;
  while (next < cases && performance.now() < endMs) {
    const ending = await runJob(caseProcess, jobOf(next, cases), { caseMs, endMs }, onFault);
    const { lastCase, reason } = ending;
    if (lastCase < 0 && reason !== 'time is up')
      throw new Error(`fuzz: the target must load and give its seeds; it does not: ${ending.detail}.`);
    if (reason === 'done' || reason === 'time is up') {
      next = reason === 'done' ? cases : Math.max(next, lastCase);
      continue;
    }
    next = lastCase + 1;
    const again = await alone(jobOf(lastCase, lastCase + 1));
    if (again.reason === 'done') continue;
    const fault = { ...describe(again, caseMs, memoryMiB), case: lastCase };
    const isNew = !faults.has(fault.kind);
    onFault({ ...fault, bytes: again.bytes });
    if (isNew) onFault({ ...fault, bytes: await smallest(again, jobOf(0, 1), alone) });
  }
  return { cases: next, faults: [...faults.values()], faultCount };
}

function describe({ reason, detail }: Ending, caseMs: number, memoryMiB: number): { kind: string; message: string } {
  if (reason === 'slow') return { kind: reason, message: `a case must end in ${caseMs / 1000} s; this one does not` };
  if (reason === 'memory')
    return { kind: reason, message: `a case must take at most ${memoryMiB} MiB; this one takes more` };
  return { kind: `died ${detail}`, message: `the process ended: ${detail}` };
}

/** The smallest input that ends a process in the same way; each trial is a process of its own. */
async function smallest(ending: Ending, job: CaseJob, run: (job: CaseJob) => Promise<Ending>): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
  try {
    return await minimise(
      ending.bytes,
      async (bytes) => {
        const file = join(folder, 'input');
        writeFileSync(file, bytes);
        const { reason, detail } = await run({ ...job, file });
        return reason === ending.reason && detail === ending.detail;
      },
      minimiseMs,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
