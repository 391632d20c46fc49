import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { CLI, type CliOptions, type CliResult, runProcess } from './run-cli.ts';

/** What OpenMPI asks for from root, and a machine with fewer cores than ranks. */
const ENVIRONMENT = { OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };

/** A rank writes the id of its process, which becomes that of Node, into `rank-<rank>.pid` of its folder. */
const WRITE_PID = 'echo $$ > "rank-$OMPI_COMM_WORLD_RANK.pid" && exec "$0" "$@"';

/** Runs `moda` with arguments on several ranks; `mpi` are arguments of mpirun. */
export function runMpi(
  ranks: number,
  args: readonly string[],
  options: CliOptions,
  mpi: readonly string[] = [],
): Promise<CliResult> {
  return mpirun([...mpi, '-n', String(ranks), 'sh', '-c', WRITE_PID, process.execPath, CLI, ...args], options);
}

/** The process of one rank of the last job that `runMpi` started in a folder. */
export function pidOfRank(cwd: string, rank: number): number {
  return Number(readFileSync(join(cwd, `rank-${rank}.pid`), 'utf8'));
}

/** Waits until a process has ended: mpirun may end before the last of its ranks, which it has told to. */
export async function untilGone(pid: number): Promise<void> {
  await vi.waitFor(() => expect(isRunning(pid), `process ${pid} runs`).toBe(false), { timeout: 30_000, interval: 50 });
}

/** Whether a process runs; one that has ended and whose parent has not asked for its exit code does not. */
function isRunning(pid: number): boolean {
  const state = /^\d+ \(.*\) (.)/s.exec(readStat(pid))?.[1] ?? 'Z';
  return state !== 'Z';
}

function readStat(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return '';
  }
}

/** Runs mpirun with arguments of its own. */
export function mpirun(args: readonly string[], options: CliOptions): Promise<CliResult> {
  return runProcess('mpirun', ['--oversubscribe', '--bind-to', 'none', ...args], {
    ...options,
    env: { ...ENVIRONMENT, ...options.env },
  });
}
