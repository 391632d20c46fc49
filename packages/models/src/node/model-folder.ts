import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from '@modajs/tensor';
import { isPlainFileName, type ModelFolder } from '../io/hugging-face/model-folder.ts';

/**
 * A folder of a model's files on disk.
 *
 * @throws CheckpointError when there is no such folder
 */
export async function openModelFolder(path: string): Promise<ModelFolder> {
  const found = await stat(path).catch(() => null);
  if (!found?.isDirectory()) {
    throw new CheckpointError(`model: the folder must exist, got ${path}. Check the path.`, { path });
  }
  return {
    async read(name) {
      requirePlainFileName(name);
      try {
        return await readFile(join(path, name));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    },
  };
}

/** @throws CheckpointError for a name that would leave the folder */
export function requirePlainFileName(name: string): void {
  if (isPlainFileName(name)) return;
  throw new CheckpointError(
    `model: a file of a model must be named without a path, got ${JSON.stringify(name)}. Do not trust where it comes from.`,
    { name },
  );
}

/**
 * Writes a model's files into a folder, made if need be. Each is written whole beside its place, flushed, and renamed:
 * a full disk or a crash harms no file that was there.
 */
export async function saveModelFolder(path: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  for (const name of files.keys()) requirePlainFileName(name);
  await mkdir(path, { recursive: true });
  for (const [name, bytes] of files) {
    const temporary = join(path, `.${name}.${process.pid}.partial`);
    try {
      await writeFile(temporary, bytes, { flush: true });
      await rename(temporary, join(path, name));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }
}
