import { fromHalf, toHalf, unknownName } from '@modajs/tensor';
import { CollectiveError } from '../collective-error.ts';
import { bytesOf } from './letters.ts';

/** How changes of parameters travel: `int8` and `topk` leave an error, which the sender adds to what it sends next. */
export const deltaCodings = ['f16', 'f32', 'int8', 'topk'] as const;

export type DeltaCoding = (typeof deltaCodings)[number];

/** A coding and its parameter. */
export interface DeltaCodec {
  readonly coding: DeltaCoding;
  /** `topk`: share of the values that travel, the largest ones. */
  readonly topKShare: number;
}

/** Values of `int8` that share a scale. */
const BLOCK = 256;
const LARGEST_HALF = 65504;

/** Whether the sender keeps what a coding leaves out and adds it to what it sends next. */
export function hasErrorFeedback({ coding }: DeltaCodec): boolean {
  return coding === 'int8' || coding === 'topk';
}

/** Bytes of `length` values. */
export function codedBytes({ coding, topKShare }: DeltaCodec, length: number): number {
  switch (coding) {
    case 'f32':
      return 4 * length;
    case 'f16':
      return 2 * length;
    case 'int8':
      return 4 * Math.ceil(length / BLOCK) + length;
    case 'topk':
      return 6 * topKCount(length, topKShare);
    default:
      return unknownName('training.diloco.coding', coding);
  }
}

/**
 * Values as bytes: f32; f16 rounded to the nearest, clamped to its range; `int8`, for each block of 256 values an f32 scale `s`
 * and then for all values `round(x / s)` of -127 to 127 with `s = max |x| / 127`; `topk`, u32 indices and then f16 values of
 * those with the largest magnitude. Values that are not finite stay so, or make their block so.
 *
 * @param residual of a coding with error feedback: added to the values first, afterwards what the bytes leave out
 */
export function encodeDelta(codec: DeltaCodec, values: Float32Array, residual: Float32Array | null): Uint8Array {
  const { length } = values;
  const bytes = new Uint8Array(codedBytes(codec, length));
  if (residual === null) {
    encodeInto(codec, values, bytes);
    return bytes;
  }
  for (let i = 0; i < length; i++) residual[i] += values[i];
  encodeInto(codec, residual, bytes);
  const sent = decodeDelta(codec, bytes, length);
  for (let i = 0; i < length; i++) residual[i] -= sent[i];
  return bytes;
}

/** @throws CollectiveError when the bytes are not those of `length` values */
export function decodeDelta(codec: DeltaCodec, bytes: Uint8Array, length: number): Float32Array {
  const expected = codedBytes(codec, length);
  if (bytes.length !== expected) {
    throw new CollectiveError(
      `diloco: ${length} values in ${codec.coding} must be ${expected} B, got ${bytes.length}. Start every rank with the same settings.`,
      { expected, bytes: bytes.length },
    );
  }
  const values = new Float32Array(length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  switch (codec.coding) {
    case 'f32':
      bytesOf(values).set(bytes);
      return values;
    case 'f16': {
      const table = halfValues();
      for (let i = 0; i < length; i++) values[i] = table[view.getUint16(2 * i, true)];
      return values;
    }
    case 'int8': {
      const blocks = Math.ceil(length / BLOCK);
      for (let block = 0; block < blocks; block++) {
        const scale = view.getFloat32(4 * block, true);
        const end = Math.min(length, (block + 1) * BLOCK);
        for (let i = block * BLOCK; i < end; i++) values[i] = scale * view.getInt8(4 * blocks + i);
      }
      return values;
    }
    case 'topk': {
      const count = topKCount(length, codec.topKShare);
      for (let k = 0; k < count; k++) {
        values[view.getUint32(4 * k, true)] = fromHalf(view.getUint16(4 * count + 2 * k, true));
      }
      return values;
    }
    default:
      return unknownName('training.diloco.coding', codec.coding);
  }
}

function encodeInto({ coding, topKShare }: DeltaCodec, values: Float32Array, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer);
  const { length } = values;
  switch (coding) {
    case 'f32':
      bytes.set(bytesOf(values));
      return;
    case 'f16':
      for (let i = 0; i < length; i++) view.setUint16(2 * i, clampedHalf(values[i]), true);
      return;
    case 'int8': {
      const blocks = Math.ceil(length / BLOCK);
      for (let block = 0; block < blocks; block++) {
        const end = Math.min(length, (block + 1) * BLOCK);
        let largest = 0;
        // `Math.max` keeps NaN.
        for (let i = block * BLOCK; i < end; i++) largest = Math.max(largest, Math.abs(values[i]));
        const scale = Math.fround(largest / 127);
        view.setFloat32(4 * block, scale, true);
        for (let i = block * BLOCK; i < end; i++) {
          view.setInt8(4 * blocks + i, scale === 0 ? 0 : Math.max(-127, Math.min(127, Math.round(values[i] / scale))));
        }
      }
      return;
    }
    case 'topk': {
      const indices = largestIndices(values, topKCount(length, topKShare));
      for (const [k, index] of indices.entries()) {
        view.setUint32(4 * k, index, true);
        view.setUint16(4 * indices.length + 2 * k, clampedHalf(values[index]), true);
      }
      return;
    }
    default:
      unknownName('training.diloco.coding', coding);
  }
}

let halves: Float32Array | null = null;

/** The value of every half by its bits. */
function halfValues(): Float32Array {
  halves ??= Float32Array.from({ length: 0x10000 }, (_, half) => fromHalf(half));
  return halves;
}

function topKCount(length: number, share: number): number {
  return Math.min(length, Math.max(1, Math.round(length * share)));
}

/** f16 bits; finite values beyond its range become its largest. */
function clampedHalf(value: number): number {
  return toHalf(Number.isFinite(value) ? Math.max(-LARGEST_HALF, Math.min(LARGEST_HALF, value)) : value);
}

/** Indices, ascending, of the `count` values with the largest magnitude; of equal ones the first. NaN counts as the largest. */
function largestIndices(values: Float32Array, count: number): Uint32Array {
  // The bits of a magnitude are in the order of magnitudes: the threshold is found by its upper, then its lower 16 bits.
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const magnitude = (i: number): number => bits[i] & 0x7fffffff;
  const upper = thresholdOf((tell) => {
    for (let i = 0; i < bits.length; i++) tell(magnitude(i) >>> 16);
  }, count);
  const lower = thresholdOf((tell) => {
    for (let i = 0; i < bits.length; i++) if (magnitude(i) >>> 16 === upper.value) tell(magnitude(i) & 0xffff);
  }, count - upper.above);
  const threshold = upper.value * 0x10000 + lower.value;
  let ties = count - upper.above - lower.above;
  const indices = new Uint32Array(count);
  let k = 0;
  for (let i = 0; i < bits.length; i++) {
    const isTie = magnitude(i) === threshold;
    if (magnitude(i) < threshold || (isTie && ties === 0)) continue;
    if (isTie) ties--;
    indices[k++] = i;
  }
  return indices;
}

/** The `count`-th largest of 16-bit numbers, and how many lie above it. */
function thresholdOf(
  tellAll: (tell: (value: number) => void) => void,
  count: number,
): { value: number; above: number } {
  const histogram = new Uint32Array(0x10000);
  tellAll((value) => {
    histogram[value]++;
  });
  let above = 0;
  let value = 0xffff;
  while (above + histogram[value] < count) above += histogram[value--];
  return { value, above };
}
