import { readSync } from 'node:fs';
import type { ByteSource } from '../series/byte-source.ts';
import type { OpenFile } from './runs-folder.ts';

/**
 * An open file as bytes. Reads are synchronous: a sample takes hundreds of small ones, each some microseconds from the
 * page cache, and a trip through the thread pool costs ten times as much.
 */
export function fileSource({ handle, stats }: OpenFile): ByteSource {
  return {
    size: stats.size,
    read: (begin, end) => {
      const bytes = new Uint8Array(Math.max(0, Math.min(end, stats.size) - begin));
      return bytes.subarray(0, readSync(handle.fd, bytes, 0, bytes.length, begin));
    },
  };
}
