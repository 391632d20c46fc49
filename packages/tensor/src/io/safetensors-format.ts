import { CheckpointError, shown } from '../core/errors.ts';
import { wholeNumber } from '../core/value-checks.ts';

/** dtypes of the file format that this library reads; it writes those of tensors. */
export type SafetensorsDType =
  | 'F64'
  | 'F32'
  | 'F16'
  | 'BF16'
  | 'I64'
  | 'I32'
  | 'U32'
  | 'I16'
  | 'U16'
  | 'I8'
  | 'U8'
  | 'BOOL';

export const SAFETENSORS_BYTES: Readonly<Record<SafetensorsDType, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  U32: 4,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

export interface SafetensorsEntry {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  /** Bytes [begin, end) after the header. */
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Where the data begins in the file. */
  readonly dataOffset: number;
}

const MAX_HEADER_BYTES = 100_000_000;

/** @throws CheckpointError unless `bytes` are bytes */
export function checkBytes(bytes: unknown): asserts bytes is Uint8Array {
  if (bytes instanceof Uint8Array) return;
  throw new CheckpointError(`safetensors: a file must be a Uint8Array, got a ${typeof bytes}. Read it as bytes.`);
}

/** Header length in the first 8 bytes of a file. @throws CheckpointError when it cannot be one */
export function safetensorsHeaderLength(prefix: Uint8Array): number {
  checkBytes(prefix);
  if (prefix.length < 8)
    throw new CheckpointError(`safetensors: a file has at least 8 bytes, got ${prefix.length}. Is it truncated?`);
  const view = new DataView(prefix.buffer, prefix.byteOffset, 8);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length > MAX_HEADER_BYTES)
    throw new CheckpointError(
      `safetensors: the header must be at most ${MAX_HEADER_BYTES} bytes, got ${length}. Is this a safetensors file?`,
    );
  return length;
}

/**
 * Reads and checks a header: names that stand once, known dtypes, sizes that match shapes, ranges that cover the data without gap
 * or overlap.
 *
 * @param header bytes 8 .. 8 + length of the file
 * @param dataBytes bytes that follow the header
 * @throws CheckpointError naming the tensor
 */
export function parseSafetensorsHeader(header: Uint8Array, dataBytes: number): SafetensorsHeader {
  checkBytes(header);
  wholeNumber('safetensors', 'dataBytes', dataBytes);
  const json = parseJson(header);
  if (!isObject(json)) throw new CheckpointError(`safetensors: the header must be a JSON object, got ${shown(json)}.`);
  const { __metadata__: metadata = {}, ...tensors } = json;
  if (!isObject(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw new CheckpointError(`safetensors: __metadata__ must map names to text, got ${shown(metadata)}.`);
  }
  const entries = new Map(Object.entries(tensors).map(([name, value]) => [name, checkEntry(name, value)] as const));
  checkRanges(entries, dataBytes);
  return { entries, metadata: metadata as Record<string, string>, dataOffset: 8 + header.length };
}

function parseJson(header: Uint8Array): unknown {
  let text: string;
  let json: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(header);
    json = JSON.parse(text);
  } catch (cause) {
    throw new CheckpointError('safetensors: the header must be JSON; it is not. Is the file damaged?', {}, { cause });
  }
  const repeated = repeatedName(text);
  if (repeated !== null) {
    throw new CheckpointError(`safetensors: every name must stand once in the header, got ${shown(repeated)} twice.`, {
      name: repeated,
    });
  }
  return json;
}

/**
 * The first key that an object of JSON text has twice, or null: `JSON.parse` keeps the last one without a word.
 *
 * @param text valid JSON
 */
function repeatedName(text: string): string | null {
  // Strings, and the brackets outside of them. A string is a key when a colon follows.
  const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}]/g;
  const objects: Set<string>[] = [];
  for (const [token, colon] of text.matchAll(tokens)) {
    if (token === '{') objects.push(new Set());
    else if (token === '}') objects.pop();
    else if (colon !== undefined) {
      const name = JSON.parse(token.slice(0, -colon.length)) as string;
      const names = objects[objects.length - 1];
      if (names.has(name)) return name;
      names.add(name);
    }
  }
  return null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function checkEntry(name: string, value: unknown): SafetensorsEntry {
  const { dtype, shape, data_offsets: range } = isObject(value) ? value : {};
  const areCounts = (list: unknown): list is number[] =>
    Array.isArray(list) && list.every((x) => Number.isSafeInteger(x) && x >= 0);
  if (typeof dtype !== 'string' || !areCounts(shape) || !areCounts(range) || range.length !== 2) {
    throw new CheckpointError(
      `safetensors: ${shown(name)} must have dtype, shape and data_offsets, got ${shown(value)}. Is the file damaged?`,
      { name },
    );
  }
  if (!isDType(dtype)) {
    throw new CheckpointError(
      `safetensors: ${shown(name)} has dtype ${shown(dtype)}, which this library does not read. Convert it to F32, F16 or BF16.`,
      { name, dtype },
    );
  }
  const bytes = shape.reduce((size, extent) => size * extent, SAFETENSORS_BYTES[dtype]);
  const [begin, end] = range;
  // A product beyond 2^53 is rounded: no file holds it.
  if (end - begin !== bytes || !Number.isSafeInteger(bytes)) {
    throw new CheckpointError(
      `safetensors: ${shown(name)} ${dtype} [${shown(shape).slice(1, -1)}] needs ${bytes} bytes, got ${end - begin}.`,
      { name },
    );
  }
  return { dtype, shape, begin, end };
}

function isDType(dtype: string): dtype is SafetensorsDType {
  return Object.hasOwn(SAFETENSORS_BYTES, dtype);
}

function checkRanges(entries: ReadonlyMap<string, SafetensorsEntry>, dataBytes: number): void {
  let end = 0;
  for (const [name, entry] of [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)) {
    if (entry.begin !== end)
      throw new CheckpointError(
        `safetensors: ${shown(name)} must begin at byte ${end} of the data, got ${entry.begin}. Is the file damaged?`,
        { name },
      );
    end = entry.end;
  }
  if (end !== dataBytes)
    throw new CheckpointError(
      `safetensors: the header describes ${end} bytes of data, got ${dataBytes}. Is the file truncated?`,
      { expected: end, got: dataBytes },
    );
}
