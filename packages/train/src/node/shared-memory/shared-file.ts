import { randomUUID } from 'node:crypto';
import { type FileHandle, open, stat, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where files are memory, on Linux. */
const MEMORY_FOLDER = '/dev/shm';

/** A new file of zeros for ranks to share, in memory where the system has a folder for that; the caller closes and removes it. */
export async function createSharedFile(bytes: number): Promise<{ readonly path: string; readonly file: FileHandle }> {
  const hasMemory = (await stat(MEMORY_FOLDER).catch(() => null))?.isDirectory() ?? false;
  const path = join(hasMemory ? MEMORY_FOLDER : tmpdir(), `moda-ranks-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  try {
    // Written, not only sized: a page that has no room would end a process when it is touched.
    const zeros = new Uint8Array(1 << 20);
    for (let at = 0; at < bytes; at += zeros.length) {
      await file.write(zeros, 0, Math.min(zeros.length, bytes - at), at);
    }
    return { path, file };
  } catch (error) {
    await file.close();
    await unlink(path);
    throw error;
  }
}
