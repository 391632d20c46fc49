import type { Stats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunsFolder } from './runs-folder.ts';

/** A run as the list shows it. */
export interface RunEntry {
  /** Path below the runs folder; a study's runs lie one deeper. */
  readonly run: string;
  /** Size of `metrics.jsonl`; null when there is none yet. */
  readonly bytes: number | null;
  /** Changes when the file is replaced: then what was read of it is void. */
  readonly generation: string;
  /** Milliseconds since 1970 of the last row. */
  readonly modifiedAt: number;
}

const MAX_DEPTH = 3;

/** Every run below the folder: a folder with `metrics.jsonl` or `config.json`. Empty when there is no folder. */
export async function listRuns(folder: RunsFolder): Promise<RunEntry[]> {
  const root = await folder.resolve('').catch(() => null);
  return root === null ? [] : runsBelow(folder, root, '', MAX_DEPTH);
}

async function runsBelow(folder: RunsFolder, root: string, path: string, depth: number): Promise<RunEntry[]> {
  const entries = await folder.list(path).catch(() => []);
  const has = (name: string): boolean => entries.some((entry) => entry.name === name && !entry.isFolder);
  if (path !== '' && (has('metrics.jsonl') || has('config.json'))) return [await entryOf(folder, root, path)];
  if (depth === 0) return [];
  const below = entries.filter(({ isFolder }) => isFolder);
  const found = await Promise.all(
    below.map(({ name }) => runsBelow(folder, root, path === '' ? name : `${path}/${name}`, depth - 1)),
  );
  return found.flat();
}

async function entryOf(folder: RunsFolder, root: string, run: string): Promise<RunEntry> {
  const none = (): null => null;
  const metrics = await plainFile(folder, root, `${run}/metrics.jsonl`);
  const shown = metrics ?? (await lstat(join(root, run)).catch(none));
  const modifiedAt = shown?.mtimeMs ?? 0;
  return { run, bytes: metrics?.size ?? null, generation: metrics ? generationOf(metrics) : '', modifiedAt };
}

/** What is told of a file is told of those alone that `RunsFolder.open` reads: a link that leads outside is not followed. */
async function plainFile(folder: RunsFolder, root: string, path: string): Promise<Stats | null> {
  const none = (): null => null;
  const found = await lstat(join(root, path)).catch(none);
  const stats = found?.isSymbolicLink()
    ? await folder
        .resolve(path)
        .then((place) => lstat(place))
        .catch(none)
    : found;
  return stats?.isFile() ? stats : null;
}

/** What tells a file from the one that replaced it. */
export function generationOf({ ino, birthtimeMs }: Stats): string {
  return `${ino.toString(36)}.${Math.round(birthtimeMs).toString(36)}`;
}
