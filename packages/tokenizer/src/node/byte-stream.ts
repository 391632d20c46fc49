import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { unknownName } from '@modajs/errors';
import { DataError } from '../errors.ts';
import type { Compression, InputFile } from './input-files.ts';
import { zstdDecompressed } from './zstd-frames.ts';

const CHUNK_BYTES = 1 << 20;

/**
 * The bytes of a file, decompressed, in chunks.
 *
 * @param onRead called with the number of bytes of the file itself that were read
 * @throws {DataError} a file that cannot be read or whose compressed data is broken or cut short
 */
export async function* byteChunks(
  file: InputFile,
  onRead: (sizeBytes: number) => void = () => {},
): AsyncGenerator<Uint8Array> {
  const source = createReadStream(file.path, { highWaterMark: CHUNK_BYTES });
  const read = counted(source, onRead);
  try {
    yield* decompressed(read, file.compression);
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    const what = file.compression === 'none' ? 'be readable' : `hold whole ${file.compression} data`;
    throw new DataError(
      'read',
      file.path,
      `must ${what}, got an error: ${message}. Was the file cut short or damaged?`,
      {
        cause,
      },
    );
  } finally {
    source.destroy();
  }
}

function decompressed(read: AsyncIterable<Uint8Array>, compression: Compression): AsyncIterable<Uint8Array> {
  switch (compression) {
    case 'none':
      return read;
    case 'gzip':
      return gunzipped(Readable.from(read));
    case 'zstd':
      return zstdDecompressed(read);
    default:
      return unknownName('compression', compression);
  }
}

async function* counted(
  source: AsyncIterable<Uint8Array>,
  onRead: (sizeBytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    onRead(chunk.length);
    yield chunk;
  }
}

async function* gunzipped(source: Readable): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  source.on('error', (error) => gunzip.destroy(error));
  yield* source.pipe(gunzip) as AsyncIterable<Uint8Array>;
}
