import { maskedCrc32c } from './crc32c.ts';

/** Protocol buffer wire types. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** A record's length, its CRC and the data's CRC. */
const FRAME_BYTES = 16;

const encoder = new TextEncoder();

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return bytes;
}

const key = (field: number, wireType: number): number[] => varint(field * 8 + wireType);

function float(value: number, bytes: 4 | 8): number[] {
  const view = new DataView(new ArrayBuffer(bytes));
  if (bytes === 8) view.setFloat64(0, value, true);
  else view.setFloat32(0, value, true);
  return [...new Uint8Array(view.buffer)];
}

const message = (field: number, content: readonly number[]): number[] => [
  ...key(field, BYTES),
  ...varint(content.length),
  ...content,
];

/** Frames an `Event` as a TFRecord: length, its CRC, data, its CRC. */
function record(event: readonly number[]): Uint8Array {
  const data = Uint8Array.from(event);
  const framed = new Uint8Array(data.length + FRAME_BYTES);
  const view = new DataView(framed.buffer);
  view.setUint32(0, data.length, true);
  view.setUint32(8, maskedCrc32c(framed.subarray(0, 8)), true);
  framed.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(data), true);
  return framed;
}

const wallTime = (timeMs: number): number[] => [...key(1, FIXED64), ...float(timeMs / 1000, 8)];

/** First record of every event file. */
export function fileVersionEvent(timeMs: number): Uint8Array {
  return record([...wallTime(timeMs), ...message(3, [...encoder.encode('brain.Event:2')])]);
}

/** Tells TensorBoard that events of `step` and later that it has read are void: written where a run starts, resumes or rolls back. */
export function sessionStartEvent(step: number, timeMs: number): Uint8Array {
  const sessionLog = [...key(1, VARINT), ...varint(1)];
  return record([...wallTime(timeMs), ...key(2, VARINT), ...varint(step), ...message(7, sessionLog)]);
}

/**
 * One `Event` with a scalar summary for each value. Reference: tensorflow/core/util/event.proto, summary.proto.
 *
 * @param step non-negative integer
 * @param timeMs wall time since 1970
 */
export function scalarEvent(step: number, timeMs: number, scalars: Readonly<Record<string, number>>): Uint8Array {
  const values = Object.entries(scalars).flatMap(([tag, value]) =>
    message(1, [...message(1, [...encoder.encode(tag)]), ...key(2, FIXED32), ...float(value, 4)]),
  );
  return record([...wallTime(timeMs), ...key(2, VARINT), ...varint(step), ...message(5, values)]);
}

/**
 * The records of an event file up to the first event after `step`; a record that a crash cut short is left out.
 *
 * @returns a view of the beginning of `file`
 */
export function eventsUpTo(file: Uint8Array, step: number): Uint8Array {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let at = 0;
  while (at + FRAME_BYTES <= file.length) {
    const length = view.getUint32(at, true);
    const end = at + FRAME_BYTES + length;
    if (end > file.length || view.getUint32(at + 4, true) !== 0) break;
    if (stepOf(file.subarray(at + 12, end - 4)) > step) break;
    at = end;
  }
  return file.subarray(0, at);
}

/** Field 2 of an `Event` as written here, which follows the wall time; 0 where there is none. */
function stepOf(event: Uint8Array): number {
  const [stepKey] = key(2, VARINT);
  let at = key(1, FIXED64).length + 8;
  if (event[at++] !== stepKey) return 0;
  let step = 0;
  for (let scale = 1; at < event.length; scale *= 128) {
    step += (event[at] & 127) * scale;
    if (event[at++] < 128) break;
  }
  return step;
}
