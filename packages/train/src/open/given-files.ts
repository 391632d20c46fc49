import { CheckpointError } from '@modajs/tensor';
import { MemoryStorage } from '../storage/memory-storage.ts';
import type { RunFiles } from '../storage/run-files.ts';

/** What a page has of a file: `File` is one. */
export interface GivenFile {
  readonly name: string;
  /** Its path below the folder that was chosen. */
  readonly webkitRelativePath?: string;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** Files by path, or as a page's input element or drop gives them. */
export type GivenFiles = ReadonlyMap<string, Uint8Array> | Iterable<GivenFile>;

/**
 * A run's files, wherever above it their paths begin: the folder nearest to the top with a `config.json` is the run.
 *
 * @throws CheckpointError when none has one
 */
export async function filesOfRun(given: GivenFiles): Promise<RunFiles> {
  const all = await byPath(given);
  const configs = [...all.keys()].filter((path) => /(^|\/)config\.json$/.test(path));
  const nearest = configs.sort((a, b) => a.length - b.length)[0];
  if (nearest === undefined) {
    throw new CheckpointError(
      `openRun: config.json must be among the files, got ${[...all.keys()].slice(0, 5).join(', ') || 'none'}. Give all of the run's folder.`,
    );
  }
  const folder = nearest.slice(0, -'config.json'.length);
  const storage = new MemoryStorage();
  for (const [path, bytes] of all) if (path.startsWith(folder)) storage.files.set(path.slice(folder.length), bytes);
  return storage;
}

async function byPath(given: GivenFiles): Promise<ReadonlyMap<string, Uint8Array>> {
  if (given instanceof Map) return given;
  const files = new Map<string, Uint8Array>();
  for (const file of given as Iterable<GivenFile>) {
    const path = file.webkitRelativePath || file.name;
    files.set(path, new Uint8Array(await file.arrayBuffer()));
  }
  return files;
}
