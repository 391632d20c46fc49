import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { ConfigError } from '@modajs/tensor';
import { LockedError, PathLock } from '@modajs/train/node';

/** The file that makes a folder a run. */
export const CONFIG_FILE = 'config.json';
/** In a run's folder while a process works on it. */
const LOCK_FILE = 'run.lock';

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * The name of a new run, checked: a folder below `out`, in folders that are no runs themselves.
 *
 * @throws ConfigError for a name that leaves `out`, names it, or lies within a run
 */
export async function requireRunName(out: string, name: string): Promise<void> {
  const parts = name.split(/[\\/]/);
  const isBelow = parts.every(
    (part) => part.trim() !== '' && part !== '.' && part !== '..' && !/[\p{Cc}\p{Cs}]/u.test(part),
  );
  if (!isBelow || isAbsolute(name) || /^[a-z]:/i.test(name)) {
    throw new ConfigError(
      `run: the name must be that of a folder below ${out}, got ${JSON.stringify(name)}. Use a name such as book or books/first.`,
      { name },
    );
  }
  for (let i = 1; i < parts.length; i++) {
    const above = join(out, ...parts.slice(0, i));
    if (!(await exists(join(above, CONFIG_FILE)))) continue;
    throw new ConfigError(`run: ${name} must not lie within a run, but ${above} is one. Use another name.`, { name });
  }
}

/** Numbers of the folders `name`, `name-2`, ... below `out`, ascending. */
async function takenNumbers(out: string, name: string): Promise<number[]> {
  const base = basename(name);
  const entries = await readdir(join(out, dirname(name))).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [] as string[];
    throw unreadableOut(join(out, dirname(name)), error);
  });
  const numbers = entries.flatMap((entry) => {
    if (entry === base) return [1];
    const suffix = entry.startsWith(`${base}-`) ? entry.slice(base.length + 1) : '';
    return /^[1-9]\d*$/.test(suffix) && Number(suffix) > 1 ? [Number(suffix)] : [];
  });
  return numbers.sort((a, b) => a - b);
}

function unreadableOut(folder: string, { code }: NodeJS.ErrnoException): ConfigError {
  return new ConfigError(`run: ${folder} must be a folder that can be read, got ${code}. Check --out.`, {
    folder,
    code,
  });
}

const numbered = (name: string, number: number): string => (number === 1 ? name : `${name}-${number}`);

/** A folder that does not exist yet: `<out>/<name>`, or `<out>/<name>-2` and so on, so that no run is overwritten. */
export async function newRunFolder(out: string, name: string): Promise<string> {
  await requireRunName(out, name);
  const last = (await takenNumbers(out, name)).at(-1) ?? 0;
  return join(out, numbered(name, last + 1));
}

/** A run's folder that this process alone writes to. */
export interface OwnedFolder {
  readonly folder: string;
  readonly lock: PathLock;
}

/** `newRunFolder`, made and locked. Where several processes start at once each gets a folder of its own. */
export async function claimRunFolder(out: string, name: string): Promise<OwnedFolder> {
  for (;;) {
    const folder = await newRunFolder(out, name);
    try {
      const lock = await lockRun(folder);
      if (!(await exists(join(folder, CONFIG_FILE)))) return { folder, lock };
      // Another process began and ended a run here meanwhile.
      await lock.release();
    } catch (error) {
      if (!(error instanceof LockedError)) throw error;
    }
  }
}

/** @throws LockedError naming the process that works on the run */
export async function lockRun(folder: string): Promise<PathLock> {
  return PathLock.take(join(folder, LOCK_FILE), folder);
}

/** The folder of an existing run, given by itself or by its name below `out`; null when there is none. */
export async function runFolder(out: string, run: string): Promise<string | null> {
  const folders = run === '' ? [] : [run, join(out, run)];
  for (const folder of folders) if (await exists(join(folder, CONFIG_FILE))) return folder;
  return null;
}

/** As `runFolder`. @throws ConfigError when there is none */
export async function findRunFolder(out: string, run: string): Promise<string> {
  const folder = await runFolder(out, run);
  if (folder !== null) return folder;
  const runs: string[] = [];
  for (const name of await readdir(out).catch(() => [] as string[]))
    if (await exists(join(out, name, CONFIG_FILE))) runs.push(name);
  const cure = runs.length > 0 ? `There are ${runs.join(', ')} in ${out}.` : await noRuns(out);
  throw new ConfigError(`run: ${run} must be a run or its folder, it is not. ${cure}`, { run });
}

/** What to do where no run is found. */
async function noRuns(out: string): Promise<string> {
  const found = (await exists(out)) ? `There are no runs in ${out} yet` : `There is no folder ${out}`;
  return `${found}: train one with \`moda train\`, or name the folder that holds your runs with --out.`;
}

/** Whether the folder that `--runs` names is there; runs that begin later appear in it. @throws ConfigError for what is no folder */
export async function isRunsFolder(runs: string): Promise<boolean> {
  const found = await stat(runs).catch(() => null);
  if (found && !found.isDirectory()) {
    throw new ConfigError(
      `dashboard: --runs must be a folder that holds runs, got the file ${runs}. Give the folder that \`moda train\` wrote to (--out).`,
      { runs },
    );
  }
  return found !== null;
}

/** The newest of the folders `name`, `name-2`, ...; null when there is none. */
export async function newestRunFolder(out: string, name: string): Promise<string | null> {
  for (const number of (await takenNumbers(out, name)).reverse()) {
    const folder = join(out, numbered(name, number));
    if (await exists(join(folder, CONFIG_FILE))) return folder;
  }
  return null;
}

/** The run's own name, from its folder. */
export function runName(folder: string): string {
  return basename(folder);
}
