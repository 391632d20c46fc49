import { DataError } from '../errors/errors.ts';
import type { Row } from '../tasks/task.ts';

/** File name endings {@link readRows} knows. */
export const ROW_FORMATS = ['.jsonl', '.jsonl.gz', '.json', '.json.gz', '.parquet'] as const;

/** Bounds of {@link readRows}: files come from strangers. */
export interface ReadLimits {
  /** Bytes that a file may unpack to, default 128 MiB. */
  readonly maxBytes?: number;
}

const MAX_BYTES = 128 * 2 ** 20;
/** Objects and lists inside one another; official rows have at most three. */
const MAX_DEPTH = 32;

/**
 * Rows of a data file, by its name: JSON lines or a JSON list (both also gzipped), or Parquet.
 * 64-bit integers become numbers.
 *
 * @throws DataError with the path, and the line for JSON lines, when the content is not what the name says, unpacks to more
 *   than `maxBytes`, or nests deeper than 32
 */
export async function readRows(
  bytes: Uint8Array,
  path: string,
  { maxBytes = MAX_BYTES }: ReadLimits = {},
): Promise<Row[]> {
  let rows: Row[];
  try {
    rows = await readByName(bytes, path, maxBytes);
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DataError(`${path}: the file cannot be read: ${reason}`, { path }, { cause });
  }
  const deep = rows.findIndex((row) => isDeeper(row, MAX_DEPTH));
  if (deep < 0) return rows;
  throw new DataError(`${path}: row ${deep + 1} must nest at most ${MAX_DEPTH} deep.`, { path, document: deep + 1 });
}

async function readByName(bytes: Uint8Array, path: string, maxBytes: number): Promise<Row[]> {
  if (path.endsWith('.gz')) return readByName(await gunzip(bytes, path, maxBytes), path.slice(0, -3), maxBytes);
  if (bytes.length > maxBytes) throw tooLarge(path, maxBytes);
  if (path.endsWith('.parquet')) return await readParquet(bytes, path, maxBytes);
  if (path.endsWith('.arrow')) {
    const cure = 'Convert it to Parquet or JSON lines.';
    throw new DataError(`${path}: Arrow files are not read, for their offsets cannot be checked. ${cure}`, { path });
  }
  if (path.endsWith('.jsonl')) return parseJsonLines(decodeUtf8(bytes), path);
  if (path.endsWith('.json')) return asRows(JSON.parse(decodeUtf8(bytes)), path);
  throw new DataError(`${path}: a data file must end in ${ROW_FORMATS.join(', ')}.`, { path });
}

const decodeUtf8 = (bytes: Uint8Array) => new TextDecoder('utf-8', { fatal: true }).decode(bytes);

function tooLarge(path: string, maxBytes: number): DataError {
  const message = `${path}: the file must unpack to at most ${maxBytes} bytes. Cut it into parts, or raise maxBytes.`;
  return new DataError(message, { path });
}

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((item) => isDeeper(item, depth - 1));
}

/**
 * Rows of a JSON lines text; blank lines are skipped.
 *
 * @throws DataError with the number of the first bad line.
 */
export function parseJsonLines(text: string, path = 'jsonl'): Row[] {
  const rows: Row[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (cause) {
      throw new DataError(
        `${path}: line ${i + 1} must be JSON, got ${JSON.stringify(line.slice(0, 60))}.`,
        { path, document: i + 1 },
        { cause },
      );
    }
    if (!isRow(value))
      throw new DataError(`${path}: line ${i + 1} must be an object, got ${typeof value}.`, { path, document: i + 1 });
    rows.push(value);
  }
  return rows;
}

/** Inflates gzip, several members included, with the platform's own stream, up to `maxBytes`. */
async function gunzip(bytes: Uint8Array, path: string, maxBytes: number): Promise<Uint8Array> {
  const inflated = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream('gzip'));
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const part of chunks<Uint8Array<ArrayBuffer>>(inflated)) {
    length += part.length;
    if (length > maxBytes) throw tooLarge(path, maxBytes);
    parts.push(part);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** Rows decoded at once. */
const CHUNK_ROWS = 1024;

/**
 * Apache's Rust reader, compiled to WebAssembly: a damaged page is an error there, where JavaScript readers that were tried
 * spin for ever (docs/decisions/027). Rows come in chunks whose bytes are counted, so that a small file cannot fill the memory.
 */
async function readParquet(bytes: Uint8Array, path: string, maxBytes: number): Promise<Row[]> {
  const { readParquet: decode } = await apache();
  const { tableFromIPC } = await import('apache-arrow');
  const rows: Row[] = [];
  for (let length = 0; ; ) {
    const part = decode(bytes, { offset: rows.length, limit: CHUNK_ROWS }).intoIPCStream();
    length += part.length;
    if (length > maxBytes) throw tooLarge(path, maxBytes);
    const table = tableFromIPC(part);
    for (const row of table.toArray()) rows.push(plain(row) as Row);
    if (table.numRows < CHUNK_ROWS) return rows;
  }
}

/** A stream's chunks; not every browser can iterate over a stream itself. */
async function* chunks<T>(stream: ReadableStream<T>): AsyncGenerator<T> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel();
  }
}

async function apache(): Promise<typeof import('parquet-wasm')> {
  const library = await import('parquet-wasm');
  // The build for browsers fetches its WebAssembly when asked; that for Node has it.
  if (typeof library.default === 'function') await library.default();
  return library;
}

/** Lists, structs and 64-bit integers of Parquet as plain JavaScript values. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(plain);
  if (ArrayBuffer.isView(value)) return Array.from(value as Int32Array, plain);
  if ('toJSON' in value && typeof value.toJSON === 'function') return plain(value.toJSON());
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

function asRows(value: unknown, path: string): Row[] {
  if (!Array.isArray(value) || !value.every(isRow))
    throw new DataError(`${path}: a JSON file must be a list of objects.`, { path });
  return value;
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
