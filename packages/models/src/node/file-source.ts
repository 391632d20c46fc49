import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import { CheckpointError } from '@modajs/tensor';
import type { ByteSource } from '../io/gguf/byte-source.ts';

/** A file that is open until `close`. */
export interface OpenedFile extends ByteSource {
  close(): Promise<void>;
}

/**
 * A file on disk that is read in parts.
 *
 * @throws CheckpointError when it cannot be opened
 */
export async function openFileSource(path: string): Promise<OpenedFile> {
  const name = basename(path);
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw new CheckpointError(`${path}: the file must be readable, got ${error.code}. Check the path.`, { path });
  });
  const found = await file.stat();
  if (!found.isFile()) {
    await file.close();
    throw new CheckpointError(`${path}: it must be a file, got something else. Check the path.`, { path });
  }
  return {
    name,
    sizeBytes: found.size,
    read: (start, end) => readPart(file, name, start, end),
    close: () => file.close(),
  };
}

async function readPart(file: FileHandle, name: string, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start);
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, start + done);
    if (bytesRead === 0) {
      const message = `${name}: a read of bytes ${start} to ${end} must give all of them, got ${done}. Was the file changed?`;
      throw new CheckpointError(message, { file: name });
    }
    done += bytesRead;
  }
  return bytes;
}
