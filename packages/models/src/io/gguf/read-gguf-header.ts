import { CheckpointError, shown } from '@modajs/tensor';
import type { ByteSource } from './byte-source.ts';
import { type GgmlType, ggmlTypeName, ggmlTypes } from './ggml-types.ts';
import { HeaderCursor } from './header-cursor.ts';
import { type GgufMetadataValue, type Refuse, readMetadataValue } from './metadata-value.ts';

/** Where a tensor is in its file. */
export interface GgufTensorInfo {
  readonly name: string;
  /** Slowest dimension first, the reverse of the file's order. */
  readonly shape: readonly number[];
  readonly type: GgmlType;
  /** First byte in the file, and the one after the last. */
  readonly begin: number;
  readonly end: number;
}

/** What a GGUF file says before its numbers. */
export interface GgufHeader {
  readonly version: number;
  readonly metadata: ReadonlyMap<string, GgufMetadataValue>;
  readonly tensors: ReadonlyMap<string, GgufTensorInfo>;
}

/** Bytes of the smallest metadata entry and the smallest tensor entry. */
const LEAST = { metadata: 13, tensor: 32 } as const;

/**
 * Reads and checks the header of a GGUF file, version 2 or 3: every count, length and offset is compared with what the file
 * has room for before anything is made of it, and no two tensors may share bytes.
 *
 * @throws CheckpointError in one line with file, key and cure: no GGUF, another version or byte order, a truncated or
 *   contradictory header, a storage type that is not read
 * Reference: github.com/ggml-org/ggml, docs/gguf.md.
 */
export async function readGgufHeader(source: ByteSource): Promise<GgufHeader> {
  const cursor = new HeaderCursor(source);
  const refuse: Refuse = (key, problem, cure) => {
    throw new CheckpointError(`${source.name}: ${key}: ${problem}. ${cure}`, { file: source.name, key });
  };
  await cursor.need(24, 'header');
  if (cursor.u32() !== 0x46554747) refuse('header', 'a file must begin with "GGUF"', 'Is it a GGUF file?');
  const version = cursor.u32();
  if ((version & 0xffff) === 0)
    refuse('version', 'a file must be little-endian, got a big-endian one', 'Convert it with gguf_convert_endian.py.');
  if (version !== 2 && version !== 3)
    refuse('version', `it must be 2 or 3, got ${version}`, 'Convert the model again.');
  const nTensors = await cursor.length('tensor count');
  const nValues = await cursor.length('metadata count');
  if (nValues * LEAST.metadata + nTensors * LEAST.tensor > cursor.room)
    refuse(
      'header',
      `${nValues} metadata values and ${nTensors} tensors must fit, got room for ${cursor.room} bytes`,
      'Is the file truncated?',
    );
  const metadata = new Map<string, GgufMetadataValue>();
  for (let i = 0; i < nValues; i++) {
    const key = plainName(await cursor.text(`metadata key ${i}`), `metadata key ${i}`, refuse);
    if (metadata.has(key)) refuse(key, 'a key must be there once, got it twice', 'Do not trust this file.');
    metadata.set(key, await readMetadataValue(cursor, key, refuse));
  }
  const alignment = alignmentOf(metadata, refuse);
  const entries: TensorEntry[] = [];
  for (let i = 0; i < nTensors; i++) entries.push(await readEntry(cursor, i, alignment, refuse));
  const start = aligned(cursor.position, alignment);
  return { version, metadata, tensors: placed(entries, start, source.sizeBytes, refuse) };
}

/** The name of a key or a tensor, which errors may show as it is. @throws CheckpointError for one that no converter writes */
function plainName(name: string, what: string, refuse: Refuse): string {
  if (/^[\x21-\x7e]{1,256}$/.test(name)) return name;
  return refuse(what, `it must be 1 to 256 printable ASCII characters, got ${shown(name)}`, 'Do not trust this file.');
}

const aligned = (size: number, alignment: number): number => Math.ceil(size / alignment) * alignment;

function alignmentOf(metadata: ReadonlyMap<string, GgufMetadataValue>, refuse: Refuse): number {
  const value = metadata.get('general.alignment') ?? 32;
  if (typeof value === 'number' && value >= 8 && value <= 1 << 20 && Number.isInteger(Math.log2(value))) return value;
  return refuse(
    'general.alignment',
    `it must be a power of 2 from 8 to 2^20, got ${shown(value)}`,
    'Convert the model again.',
  );
}

/** A tensor as the header lists it, its offset counted from the first tensor's. */
interface TensorEntry extends Pick<GgufTensorInfo, 'name' | 'shape' | 'type'> {
  readonly offset: number;
  readonly bytes: number;
}

async function readEntry(cursor: HeaderCursor, i: number, alignment: number, refuse: Refuse): Promise<TensorEntry> {
  const key = plainName(await cursor.text(`tensor name ${i}`), `tensor name ${i}`, refuse);
  await cursor.need(4, key);
  const rank = cursor.u32();
  if (rank < 1 || rank > 4) refuse(key, `a tensor must have 1 to 4 dimensions, got ${rank}`, 'Do not trust this file.');
  const shape: number[] = [];
  for (let d = 0; d < rank; d++) shape.unshift(await cursor.length(key));
  await cursor.need(4, key);
  const code = cursor.u32();
  const offset = await cursor.length(key);
  const readable = [...ggmlTypes.values()].map((one) => one.name).join(', ');
  const type =
    ggmlTypes.get(code) ??
    refuse(key, `the storage must be ${readable}, got ${ggmlTypeName(code)}`, 'Quantise the model to one of them.');
  const count = shape.reduce((product, length) => product * length, 1);
  if (!Number.isSafeInteger(count) || count < 1)
    refuse(key, `the shape must hold 1 to 2^53 numbers, got [${shape}]`, 'Do not trust this file.');
  if (shape[rank - 1] % type.blockSize !== 0)
    refuse(
      key,
      `rows of ${type.name} must be whole blocks of ${type.blockSize}, got [${shape}]`,
      'Convert the model again.',
    );
  if (offset % alignment !== 0)
    refuse(key, `the offset must be a multiple of ${alignment}, got ${offset}`, 'Do not trust this file.');
  return { name: key, shape, type, offset, bytes: (count / type.blockSize) * type.blockBytes };
}

/** Tensors where they are, in the file's order. @throws CheckpointError when one is beyond the end, or two share a name or bytes */
function placed(
  entries: readonly TensorEntry[],
  start: number,
  sizeBytes: number,
  refuse: Refuse,
): ReadonlyMap<string, GgufTensorInfo> {
  const tensors = new Map<string, GgufTensorInfo>();
  for (const { name, shape, type, offset, bytes } of entries) {
    const [begin, end] = [start + offset, start + offset + bytes];
    if (end > sizeBytes)
      refuse(name, `${type.name} [${shape}] needs bytes up to ${end}, got ${sizeBytes}`, 'Is the file truncated?');
    if (tensors.has(name)) refuse(name, 'a tensor must be there once, got it twice', 'Do not trust this file.');
    tensors.set(name, { name, shape, type, begin, end });
  }
  const inOrder = [...tensors.values()].sort((a, b) => a.begin - b.begin);
  for (const [i, { name, begin }] of inOrder.entries()) {
    const before = inOrder[i - 1];
    if (before && before.end > begin)
      refuse(
        name,
        `tensors must not overlap, got ${before.end - begin} bytes in common with ${before.name}`,
        'Do not trust this file.',
      );
  }
  return tensors;
}
