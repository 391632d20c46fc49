import { CheckpointError } from '@modajs/tensor';
import type { RunStorage } from './run-storage.ts';
import { StorageFullError } from './storage-full-error.ts';

const encoder = new TextEncoder();

function toBytes(content: Uint8Array | string): Uint8Array {
  return typeof content === 'string' ? encoder.encode(content) : content.slice();
}

/** A run's files in memory, optionally with a size limit. */
export class MemoryStorage implements RunStorage {
  readonly location = 'memory';
  readonly files: Map<string, Uint8Array> = new Map();

  /** @param limitBytes what all files together may take */
  constructor(public limitBytes = Infinity) {}

  async exists(path: string): Promise<boolean> {
    return this.files.has(path) || (await this.list(path)).length > 0;
  }

  async list(folder: string): Promise<string[]> {
    const prefix = folder === '' ? '' : `${folder}/`;
    const names = [...this.files.keys()].filter((path) => path.startsWith(prefix));
    return [...new Set(names.map((path) => path.slice(prefix.length).split('/')[0]))].sort();
  }

  async read(path: string): Promise<Uint8Array> {
    const bytes = this.files.get(path);
    if (!bytes) {
      const code = 'ENOENT';
      throw new CheckpointError(`storage: ${path} must exist, got no such file. Check the name of the run.`, {
        path,
        code,
      });
    }
    return bytes.slice();
  }

  async write(path: string, content: Uint8Array | string): Promise<void> {
    const bytes = toBytes(content);
    this.requireRoom(path, bytes.length - (this.files.get(path)?.length ?? 0));
    this.files.set(path, bytes);
  }

  async append(path: string, content: Uint8Array | string): Promise<void> {
    const before = this.files.get(path) ?? new Uint8Array();
    const more = toBytes(content);
    this.requireRoom(path, more.length);
    const joined = new Uint8Array(before.length + more.length);
    joined.set(before);
    joined.set(more, before.length);
    this.files.set(path, joined);
  }

  async writeFolder(path: string, files: Readonly<Record<string, Uint8Array | string>>): Promise<void> {
    const contents = Object.entries(files).map(([name, content]) => [name, toBytes(content)] as const);
    this.requireRoom(
      path,
      contents.reduce((sum, [, bytes]) => sum + bytes.length, 0),
    );
    await this.remove(path);
    for (const [name, bytes] of contents) this.files.set(`${path}/${name}`, bytes);
  }

  async remove(path: string): Promise<void> {
    for (const name of [...this.files.keys()]) {
      if (name === path || name.startsWith(`${path}/`)) this.files.delete(name);
    }
  }

  async freeBytes(): Promise<number | null> {
    return this.limitBytes === Infinity ? null : this.limitBytes - this.usedBytes();
  }

  private usedBytes(): number {
    return [...this.files.values()].reduce((sum, bytes) => sum + bytes.length, 0);
  }

  private requireRoom(path: string, more: number): void {
    const free = this.limitBytes - this.usedBytes();
    if (more > free) {
      throw new StorageFullError(`storage: ${path} needs ${more} B, ${free} B are free. Raise the limit.`, {
        more,
        free,
      });
    }
  }
}
