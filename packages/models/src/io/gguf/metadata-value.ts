import { shown } from '@modajs/tensor';
import type { HeaderCursor } from './header-cursor.ts';

/** A list of numbers of at most 32 bits, or of f64. */
export type NumberList =
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** A metadata value. Integers beyond 2^53 are bigints. */
export type GgufMetadataValue =
  | number
  | bigint
  | boolean
  | string
  | readonly string[]
  | readonly boolean[]
  | readonly (number | bigint)[]
  | NumberList;

/** Throws a CheckpointError that names the file. */
export type Refuse = (key: string, problem: string, cure: string) => never;

interface Scalar {
  readonly bytes: number;
  readonly read: (cursor: HeaderCursor) => number | bigint | boolean;
  /** Makes the list of many; without one they become an array. */
  readonly List?: new (
    length: number,
  ) => NumberList;
}

/** By the format's type numbers. */
const scalars: ReadonlyMap<number, Scalar> = new Map<number, Scalar>([
  [0, { bytes: 1, read: (cursor) => cursor.u8(), List: Uint8Array }],
  [1, { bytes: 1, read: (cursor) => cursor.i8(), List: Int8Array }],
  [2, { bytes: 2, read: (cursor) => cursor.u16(), List: Uint16Array }],
  [3, { bytes: 2, read: (cursor) => cursor.i16(), List: Int16Array }],
  [4, { bytes: 4, read: (cursor) => cursor.u32(), List: Uint32Array }],
  [5, { bytes: 4, read: (cursor) => cursor.i32(), List: Int32Array }],
  [6, { bytes: 4, read: (cursor) => cursor.f32(), List: Float32Array }],
  [7, { bytes: 1, read: (cursor) => cursor.u8() !== 0 }],
  [10, { bytes: 8, read: (cursor) => cursor.u64() }],
  [11, { bytes: 8, read: (cursor) => cursor.i64() }],
  [12, { bytes: 8, read: (cursor) => cursor.f64(), List: Float64Array }],
]);
const TEXT = 8;
const LIST = 9;
const unknown = 'Do not trust this file, or convert the model again.';

/** The value of a metadata entry, its type in front. @throws CheckpointError */
export async function readMetadataValue(cursor: HeaderCursor, key: string, refuse: Refuse): Promise<GgufMetadataValue> {
  await cursor.need(4, key);
  const type = cursor.u32();
  if (type === TEXT) return cursor.text(key);
  if (type === LIST) return readList(cursor, key, refuse);
  const scalar = scalars.get(type) ?? refuse(key, `the type must be a number from 0 to 12, got ${type}`, unknown);
  await cursor.need(scalar.bytes, key);
  return scalar.read(cursor);
}

async function readList(cursor: HeaderCursor, key: string, refuse: Refuse): Promise<GgufMetadataValue> {
  await cursor.need(4, key);
  const type = cursor.u32();
  const count = await cursor.length(key);
  const scalar = scalars.get(type);
  if (!scalar && type !== TEXT)
    refuse(
      key,
      `elements must be numbers, booleans or text, got type ${type}${type === LIST ? ' (lists)' : ''}`,
      unknown,
    );
  if (count * (scalar?.bytes ?? 8) > cursor.room)
    refuse(
      key,
      `${shown(count)} elements must fit into the header, which has room for ${cursor.room} bytes`,
      'Is it truncated?',
    );
  if (!scalar) {
    const texts: string[] = [];
    for (let i = 0; i < count; i++) texts.push(cursor.textAtOnce(key) ?? (await cursor.text(`${key}[${i}]`)));
    return texts;
  }
  const list = scalar.List ? new scalar.List(count) : new Array<number | bigint | boolean>(count);
  for (let i = 0; i < count; i++) {
    if (!cursor.has(scalar.bytes)) await cursor.need(scalar.bytes, `${key}[${i}]`);
    list[i] = scalar.read(cursor) as number;
  }
  return list as GgufMetadataValue;
}
