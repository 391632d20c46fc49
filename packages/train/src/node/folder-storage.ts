import { fsync } from 'node:fs';
import { appendFile, mkdir, open, readdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { CheckpointError } from '@modajs/tensor';
import type { RunStorage } from '../storage/run-storage.ts';
import { StorageError } from '../storage/storage-error.ts';
import { StorageFullError } from '../storage/storage-full-error.ts';

/** Names of unfinished writes begin so; whatever carries it is left over from a crash. */
const TEMPORARY_PREFIX = '.writing-';

/** As `FileHandle.sync`, which Yarn's Plug'n'Play does not have. */
const toDisk = promisify(fsync);

let temporaryCount = 0;

/** A run's files in a folder on disk. Every replacement is written beside its target, fsynced and renamed. */
export class FolderStorage implements RunStorage {
  constructor(readonly location: string) {}

  async exists(path: string): Promise<boolean> {
    return stat(this.at(path)).then(
      () => true,
      () => false,
    );
  }

  async list(folder: string): Promise<string[]> {
    const names = await readdir(this.at(folder)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw refusedBySystem(this.at(folder), 'readable as a folder', error);
    });
    return names.filter((name) => !name.startsWith(TEMPORARY_PREFIX)).sort();
  }

  async read(path: string): Promise<Uint8Array> {
    try {
      const buffer = await readFile(this.at(path));
      // A plain view: methods of Buffer differ from those of Uint8Array.
      return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new CheckpointError(`storage: ${this.at(path)} must be readable, got ${code}. Check the name of the run.`, {
        path,
        code,
      });
    }
  }

  async write(path: string, content: Uint8Array | string): Promise<void> {
    const target = this.at(path);
    const temporary = join(dirname(target), this.temporaryName());
    await this.orFull(
      path,
      async () => {
        await mkdir(dirname(target), { recursive: true });
        await writeFile(temporary, content, { flush: true });
        await rename(temporary, target);
        await syncFolder(dirname(target));
      },
      temporary,
    );
  }

  async append(path: string, content: Uint8Array | string): Promise<void> {
    await this.orFull(path, async () => {
      await mkdir(dirname(this.at(path)), { recursive: true });
      await appendFile(this.at(path), content);
    });
  }

  async writeFolder(path: string, files: Readonly<Record<string, Uint8Array | string>>): Promise<void> {
    const target = this.at(path);
    const parent = dirname(target);
    const temporary = join(parent, this.temporaryName());
    await this.orFull(
      path,
      async () => {
        await mkdir(temporary, { recursive: true });
        for (const [name, content] of Object.entries(files))
          await writeFile(join(temporary, name), content, { flush: true });
        await syncFolder(temporary);
        await replaceFolder(temporary, target, join(parent, this.temporaryName()));
        await syncFolder(parent);
      },
      temporary,
    );
  }

  async remove(path: string): Promise<void> {
    await rm(this.at(path), { recursive: true, force: true }).catch((error: NodeJS.ErrnoException) => {
      throw refusedBySystem(this.at(path), 'removable', error);
    });
  }

  async freeBytes(): Promise<number | null> {
    try {
      await mkdir(this.location, { recursive: true });
      const { bavail, bsize } = await statfs(this.location);
      return bavail * bsize;
    } catch (error) {
      throw refusedBySystem(this.location, 'a folder that can be written', error as NodeJS.ErrnoException);
    }
  }

  /** Deletes what a crash left half-written in a folder. Call when no other writer is alive. */
  async removeUnfinished(folder: string): Promise<string[]> {
    const names = await readdir(this.at(folder)).catch(() => [] as string[]);
    const unfinished = names.filter((name) => name.startsWith(TEMPORARY_PREFIX));
    for (const name of unfinished) await rm(join(this.at(folder), name), { recursive: true, force: true });
    return unfinished;
  }

  private at(path: string): string {
    return join(this.location, path);
  }

  private temporaryName(): string {
    return `${TEMPORARY_PREFIX}${process.pid}-${temporaryCount++}`;
  }

  /** Runs a write; on failure removes its leftovers and names a full disk as such. */
  private async orFull(path: string, work: () => Promise<void>, temporary?: string): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (temporary) await rm(temporary, { recursive: true, force: true }).catch(() => {});
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOSPC' && code !== 'EDQUOT' && code !== 'EFBIG') {
        throw refusedBySystem(this.at(path), 'writable', error as NodeJS.ErrnoException);
      }
      throw new StorageFullError(
        `storage: ${this.at(path)} could not be written, the disk is full (${code}). ` +
          'Free space or choose another --out; what was saved before is intact.',
        { path, code },
        { cause: error },
      );
    }
  }
}

function refusedBySystem(path: string, what: string, error: NodeJS.ErrnoException): Error {
  if (error.code === undefined) return error;
  const { code } = error;
  return new StorageError(
    `storage: ${path} must be ${what}, got ${code}. Check its permissions, or choose another --out.`,
    { path, code },
    { cause: error },
  );
}

/** Makes renames in a folder durable. Windows cannot open folders, and needs no such call. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => null);
  if (!folder) return;
  try {
    await toDisk(folder.fd).catch(() => {});
  } finally {
    await folder.close();
  }
}

async function replaceFolder(source: string, target: string, aside: string): Promise<void> {
  const hadTarget = await stat(target).then(
    () => true,
    () => false,
  );
  if (hadTarget) await rename(target, aside);
  await rename(source, target);
  if (hadTarget) await rm(aside, { recursive: true, force: true });
}
