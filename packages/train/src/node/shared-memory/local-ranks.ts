import { spawn } from 'node:child_process';
import { unlink } from 'node:fs/promises';
import type { Collective } from '../../distributed/collective.ts';
import { CollectiveError } from '../../distributed/collective-error.ts';
import { mapSharedMemory } from './map-shared-memory.ts';
import { createSharedFile } from './shared-file.ts';
import { rankStates, sharedLayout } from './shared-layout.ts';
import { SharedMemoryCollective } from './shared-memory-collective.ts';

/** Tells a process which of how many ranks it is: `1/4`. */
const RANK_VARIABLE = 'MODA_LOCAL_RANK';
/** The descriptor under which a rank finds the shared file. */
const SHARED_DESCRIPTOR = 3;
/** Signals that the ranks get when the process that started them gets them; a terminal's Ctrl-C reaches them by itself. */
const PASSED_ON = ['SIGTERM', 'SIGHUP', 'SIGUSR2'] as const;

type Environment = Readonly<Record<string, string | undefined>>;

/** The rank that `startLocalRanks` started this process as; null for any other process. */
export function localRankOf(env: Environment = process.env): { readonly rank: number; readonly size: number } | null {
  const [, rank, size] = /^(\d+)\/(\d+)$/.exec(env[RANK_VARIABLE] ?? '') ?? [];
  return size === undefined ? null : { rank: Number(rank), size: Number(size) };
}

/**
 * Joins the ranks that `startLocalRanks` started; null in any other process.
 *
 * @throws CollectiveError when memory cannot be shared
 */
export async function joinLocalRanks(env: Environment = process.env): Promise<Collective | null> {
  const own = localRankOf(env);
  if (own === null) return null;
  const memory = await mapSharedMemory(SHARED_DESCRIPTOR, sharedLayout(own.size).bytes);
  return new SharedMemoryCollective(memory, own.rank, own.size);
}

/**
 * Runs a command as `size` processes of this machine that share memory, rank 0 with this process's input; they find each other
 * by `joinLocalRanks`. A rank that dies is marked as gone, so that the others do not wait for it.
 *
 * @param command program and arguments
 * @returns rank 0's exit code; 1 when it died of a signal
 */
export async function startLocalRanks(size: number, command: readonly string[]): Promise<number> {
  const layout = sharedLayout(size);
  const { path, file } = await createSharedFile(layout.bytes);
  // The ranks hold it open: nothing is left behind, however they end.
  await unlink(path);
  const [program, ...args] = command;
  const ranks = Array.from({ length: size }, (_, rank) => {
    const env = { ...process.env, [RANK_VARIABLE]: `${rank}/${size}` };
    return spawn(program, args, { env, stdio: [rank === 0 ? 'inherit' : 'ignore', 'inherit', 'inherit', file.fd] });
  });
  const passOn = (signal: NodeJS.Signals): void => ranks.forEach((rank) => rank.kill(signal));
  const wait = (): void => {};
  for (const signal of PASSED_ON) process.on(signal, passOn);
  process.on('SIGINT', wait);
  try {
    const codes = await Promise.all(
      ranks.map(
        (child, rank) =>
          new Promise<number>((resolve, reject) => {
            child.on('error', (error) =>
              reject(new CollectiveError(`ranks: rank ${rank} did not start: ${error.message}`)),
            );
            child.on('exit', (code, signal) => {
              if (signal !== null) console.error(`ranks: rank ${rank} of ${size} was ended by ${signal}.`);
              // One that has ended all must stay so.
              const marked = code === 0 || signal !== null ? markGone(rank) : Promise.resolve();
              marked.then(() => resolve(code ?? 1), reject);
            });
          }),
      ),
    );
    return codes[0];
  } finally {
    for (const signal of PASSED_ON) process.off(signal, passOn);
    process.off('SIGINT', wait);
    await file.close();
  }

  async function markGone(rank: number): Promise<void> {
    await file.write(Uint8Array.of(rankStates.gone), 0, 1, 4 * (layout.wordsOf(rank) + 1));
  }
}
