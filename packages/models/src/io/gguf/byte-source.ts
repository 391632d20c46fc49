import { CheckpointError, type Platform, type PlatformFetch } from '@modajs/tensor';

/** A file that is read in parts: of a disk, a browser's file picker, a server, or memory. */
export interface ByteSource {
  /** What errors call the file. */
  readonly name: string;
  readonly sizeBytes: number;
  /**
   * Bytes `start` to `end - 1`, both within `sizeBytes`: exactly as many, in memory of their own or shared with the source.
   *
   * @throws CheckpointError when they cannot be had
   */
  read(start: number, end: number): Promise<Uint8Array>;
}

/** A file in memory; what is read shares its memory. */
export function bytesSource(bytes: Uint8Array, name = 'gguf'): ByteSource {
  return { name, sizeBytes: bytes.length, read: async (start, end) => bytes.subarray(start, end) };
}

/** A `Blob`, such as a `File` that somebody dropped on a page. It is read from its disk in parts. */
export function blobSource(blob: Platform<'Blob'>, name = 'name' in blob ? String(blob.name) : 'gguf'): ByteSource {
  return {
    name,
    sizeBytes: blob.size,
    async read(start, end) {
      const part = await blob
        .slice(start, end)
        .arrayBuffer()
        .catch((cause: unknown) => {
          const message = `${name}: bytes ${start} to ${end} must be readable, they are not. Was the file moved or changed?`;
          throw new CheckpointError(message, { file: name, start, end }, { cause });
        });
      return exactly(new Uint8Array(part), end - start, name);
    },
  };
}

/** Where a file is read over HTTP, and how. */
export interface UrlSourceOptions {
  /** Default: the global one. */
  readonly fetch?: PlatformFetch;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * A file on a server that answers range requests.
 *
 * @throws CheckpointError when the server refuses, does not know ranges, or changes the file between two requests
 */
export async function openUrlSource(url: string, options: UrlSourceOptions = {}): Promise<ByteSource> {
  const name = url.split(/[?#]/, 1)[0].split('/').at(-1) || url;
  const first = await requestRange(url, name, 0, 1, options);
  await first.response.body?.cancel();
  return {
    name,
    sizeBytes: first.total,
    async read(start, end) {
      if (start === end) return new Uint8Array();
      const { response, total, version } = await requestRange(url, name, start, end, options);
      if (total !== first.total || version !== first.version) {
        const message = `${name}: the file must stay as it was, got ${total} bytes after ${first.total}, or another version. Read it again.`;
        throw new CheckpointError(message, { file: name });
      }
      return exactly(await bodyOf(response, end - start, name), end - start, name);
    },
  };
}

interface RangeAnswer {
  readonly response: Response;
  /** Bytes of the whole file. */
  readonly total: number;
  /** ETag or date; empty where the server names neither. */
  readonly version: string;
}

async function requestRange(
  url: string,
  name: string,
  start: number,
  end: number,
  { fetch: request = fetch, headers = {} }: UrlSourceOptions,
): Promise<RangeAnswer> {
  const response = await request(url, { headers: { ...headers, Range: `bytes=${start}-${end - 1}` } }).catch(
    (cause: unknown) => {
      throw new CheckpointError(`${name}: the server must answer, it does not. Try again.`, { file: name }, { cause });
    },
  );
  const [, from, to, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers.get('content-range') ?? '') ?? [];
  const isRange = response.status === 206 && Number(from) === start && Number(to) === end - 1;
  if (isRange && Number.isSafeInteger(Number(total)) && Number(total) >= end) {
    const version = response.headers.get('etag') ?? response.headers.get('last-modified') ?? '';
    return { response, total: Number(total), version };
  }
  await response.body?.cancel();
  const message = `${name}: the server must answer bytes ${start} to ${end} with status 206, got ${response.status}. Download the file and open it from disk.`;
  throw new CheckpointError(message, { file: name, status: response.status });
}

/** A body of at most `most` bytes: a server that sends more is not listened to. */
async function bodyOf(response: Response, most: number, name: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(most);
  let length = 0;
  try {
    // Safari's streams are no async iterables.
    const reader = response.body!.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (length + part.value.length > most) {
        await reader.cancel();
        return new Uint8Array();
      }
      bytes.set(part.value, length);
      length += part.value.length;
    }
  } catch (cause) {
    throw new CheckpointError(`${name}: the server broke off. Try again.`, { file: name }, { cause });
  }
  return bytes.subarray(0, length);
}

function exactly(bytes: Uint8Array, length: number, name: string): Uint8Array {
  if (bytes.length === length) return bytes;
  const message = `${name}: a read of ${length} bytes must give as many, got ${bytes.length}. Was the file changed?`;
  throw new CheckpointError(message, { file: name });
}
