import { execFile } from 'node:child_process';
import { mkdir, open, readFile, readlink, rm, rmdir, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ModaError } from '@modajs/tensor';
import { StorageError } from '../storage/storage-error.ts';

/** Another process works on what was to be locked. */
export class LockedError extends ModaError {
  override readonly name: string = 'LockedError';
}

/** Who holds a lock, as its file says. */
interface LockOwner {
  readonly pid: number;
  /** When the process started, in the system's own words: tells it from a later one of the same number. */
  readonly processStart: string | null;
  /** The machine, and on Linux the process namespace: numbers of processes mean nothing outside. */
  readonly machine: string;
  /** The machine's start: no process outlives it. Null where nobody says. */
  readonly boot: string | null;
  readonly command: string;
  /** ISO 8601. */
  readonly since: string;
}

/** A file without an owner in it is being written, or was left by a process that died right then. */
const WRITTEN_WITHIN_MS = 5000;

/** How long a process may take to remove a dead lock, and how often the others look. */
const REMOVED_WITHIN_MS = 5000;
const LOOKED_AT_EVERY_MS = 5;

/**
 * The right of one process to write somewhere: a file that says who. It goes with `release`; one that a dead process left
 * behind is taken over, so a run that was killed resumes at once (`docs/decisions/028-run-lock.md`).
 */
export class PathLock {
  private constructor(
    private readonly file: string,
    private readonly newFolders: readonly string[],
  ) {}

  /**
   * Takes a lock.
   *
   * @param file where the lock is; missing folders are made
   * @param what named in the error: the run or file that is locked
   * @throws LockedError naming the process that holds it; StorageError where no file can be written
   */
  static async take(file: string, what: string): Promise<PathLock> {
    const owner = await thisProcess();
    for (const started = Date.now(); ; ) {
      // In the loop: who gave a lock back may have removed the folder that was made for it.
      const newFolders = await makeFolders(dirname(file));
      if (await create(file, JSON.stringify(owner))) return new PathLock(file, newFolders);
      const { isLive, holder } = await holderOf(file, owner);
      if (isLive) throw held(what, file, holder, owner);
      if (!(await removeDead(file, owner))) {
        if (Date.now() - started > REMOVED_WITHIN_MS) throw held(what, file, null, owner);
        await setTimeout(LOOKED_AT_EVERY_MS);
      }
    }
  }

  /** Gives the lock back. Folders that were made for it alone go too. */
  async release(): Promise<void> {
    await rm(this.file, { force: true });
    for (const folder of this.newFolders) {
      // Not empty: something was written there.
      if (
        !(await rmdir(folder).then(
          () => true,
          () => false,
        ))
      )
        return;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}

/** Makes a folder. @returns those that were not there, deepest first */
async function makeFolders(folder: string): Promise<string[]> {
  const missing: string[] = [];
  for (let at = folder; !(await stat(at).catch(() => null)) && at !== dirname(at); at = dirname(at)) missing.push(at);
  await mkdir(folder, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw notWritable(folder, error);
  });
  return missing;
}

/** Answers a failure of one kind with null. */
function orNull(code: string, path: string): (error: NodeJS.ErrnoException) => null {
  return (error) => {
    if (error.code === code) return null;
    throw notWritable(path, error);
  };
}

function notWritable(path: string, { code, message }: NodeJS.ErrnoException): StorageError {
  return new StorageError(
    `lock: ${path} must be writable, got ${code ?? message}. Check its permissions, or choose another folder.`,
    { path, code },
  );
}

/** Whether the file is new, and ours. */
async function create(file: string, content: string): Promise<boolean> {
  // ENOENT: the folder was removed since it was made.
  const handle = await open(file, 'wx').catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' ? null : orNull('EEXIST', file)(error),
  );
  if (!handle) return false;
  try {
    await handle.writeFile(content);
  } finally {
    await handle.close();
  }
  return true;
}

function parseOwner(text: string): LockOwner | null {
  try {
    const owner = JSON.parse(text);
    return typeof owner === 'object' && owner !== null && Number.isSafeInteger(owner.pid) ? owner : null;
  } catch {
    return null;
  }
}

async function isYoung(file: string): Promise<boolean> {
  const info = await stat(file).catch(() => null);
  return info !== null && Date.now() - info.mtimeMs < WRITTEN_WITHIN_MS;
}

/** Of another machine nothing can be known: its processes count as alive. */
async function isAlive(holder: LockOwner, own: LockOwner): Promise<boolean> {
  if (holder.machine !== own.machine) return true;
  if (holder.boot !== own.boot) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return (await processStart(holder.pid)) === holder.processStart;
}

/** Who holds a lock, null where the file is gone or names nobody, and whether the lock counts. */
async function holderOf(file: string, own: LockOwner): Promise<{ isLive: boolean; holder: LockOwner | null }> {
  const text = await readFile(file, 'utf8').catch(orNull('ENOENT', file));
  const holder = text === null ? null : parseOwner(text);
  return { holder, isLive: holder ? await isAlive(holder, own) : await isYoung(file) };
}

/**
 * Removes a dead lock, and no other. Who looks and then removes may remove the lock that a third process took in between; so
 * only the holder of a second lock removes, and it looks again. A process that dies here leaves the second lock, which is
 * taken over like any other.
 *
 * @returns whether this process had its turn; if not, another one has it right now
 */
async function removeDead(file: string, own: LockOwner): Promise<boolean> {
  let turn: PathLock;
  try {
    turn = await PathLock.take(`${file}.takeover`, file);
  } catch (error) {
    if (error instanceof LockedError) return false;
    throw error;
  }
  try {
    if (!(await holderOf(file, own)).isLive) await rm(file, { force: true });
  } finally {
    await turn.release();
  }
  return true;
}

function held(what: string, file: string, holder: LockOwner | null, own: LockOwner): LockedError {
  if (holder === null) return new LockedError(`lock: ${what} is being taken by another process. Try again.`, { file });
  const { pid, machine, command, since } = holder;
  const isHere = machine === own.machine;
  const place = isHere ? '' : ` on ${machine}`;
  const cure = isHere ? 'Wait for it, or stop it.' : `Wait for it; if it is gone, delete ${file}.`;
  return new LockedError(
    `lock: ${what} must not be in use, it is held by process ${pid}${place} (${command}) since ${since}. ${cure}`,
    { file, ...holder },
  );
}

async function thisProcess(): Promise<LockOwner> {
  const [, , ...args] = process.argv;
  return {
    pid: process.pid,
    processStart: await processStart(process.pid),
    machine: await thisMachine(),
    boot: await readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(
      (id) => id.trim(),
      () => null,
    ),
    command: ['moda', ...args].join(' ').slice(0, 200),
    since: new Date().toISOString(),
  };
}

async function thisMachine(): Promise<string> {
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '');
  return `${hostname()} ${namespace}`.trim();
}

/**
 * When a process started: clock ticks since the machine did (Linux), a date (macOS), null where nobody says. A process that
 * has ended, and whose parent has not asked how (a zombie), still has its number but runs no more: null too.
 */
async function processStart(pid: number): Promise<string | null> {
  const statLine = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (statLine !== null) {
    // The name in parentheses may hold anything. After it: field 3, the state, to field 22, the start.
    const fields = statLine.slice(statLine.lastIndexOf(')') + 2).split(' ');
    return isEnded(fields[0]) ? null : (fields[19] ?? null);
  }
  if (process.platform !== 'darwin') return null;
  const { stdout } = await promisify(execFile)('ps', ['-o', 'state=,lstart=', '-p', String(pid)]).catch(() => ({
    stdout: '',
  }));
  const [state, ...start] = stdout.trim().split(/\s+/);
  return isEnded(state) ? null : start.join(' ') || null;
}

/** @param state as Linux and macOS name it: Z a zombie, X one that is just going */
function isEnded(state: string | undefined): boolean {
  return state?.startsWith('Z') || state?.startsWith('X') || false;
}
