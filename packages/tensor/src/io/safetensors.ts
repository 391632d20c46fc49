import { fromBfloat16, fromHalf } from '@modajs/kernels/formats';
import { DTYPE_NAMES, type DType, type HostArray, storedArray } from '../core/dtype.ts';
import { CheckpointError } from '../core/errors.ts';
import { checkShape, sizeOf } from '../core/shape.ts';
import { livingTensor, type Tensor } from '../core/tensor.ts';
import { checkNames, oneOf, shown } from '../core/value-checks.ts';
import {
  checkBytes,
  parseSafetensorsHeader,
  SAFETENSORS_BYTES,
  type SafetensorsDType,
  type SafetensorsEntry,
  safetensorsHeaderLength,
} from './safetensors-format.ts';

/** A tensor on the host. Half precision is widened to f32; 64-bit integers must fit in 53 bits: `data` throws a CheckpointError for others. */
export interface HostTensor {
  /** dtype in the file. */
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  readonly data: HostArray;
}

export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, HostTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads a whole safetensors file. Tensors are decoded when asked for, so one tensor of a large file costs only itself.
 *
 * @throws CheckpointError when the file is damaged or truncated, before any tensor is given out
 */
export function readSafetensors(file: Uint8Array): SafetensorsFile {
  const length = safetensorsHeaderLength(file);
  if (file.length < 8 + length)
    throw new CheckpointError(
      `safetensors: the header needs ${8 + length} bytes, the file has ${file.length}. Is it truncated?`,
    );
  const header = parseSafetensorsHeader(file.subarray(8, 8 + length), file.length - 8 - length);
  const tensors = new Map<string, HostTensor>();
  for (const [name, entry] of header.entries) {
    const bytes = file.subarray(header.dataOffset + entry.begin, header.dataOffset + entry.end);
    tensors.set(name, lazily(name, entry, bytes));
  }
  return { tensors, metadata: header.metadata };
}

function lazily(name: string, entry: SafetensorsEntry, bytes: Uint8Array): HostTensor {
  let data: HostArray | undefined;
  return {
    dtype: entry.dtype,
    shape: entry.shape,
    get data() {
      data ??= decodeSafetensorsBytes(entry.dtype, bytes, name);
      return data;
    },
  };
}

/**
 * Numbers of a tensor's bytes (little-endian).
 *
 * @param name for the error message
 * @throws CheckpointError for a 64-bit integer beyond 2^53, which no number holds exactly, or a part of an element; ConfigError for another dtype
 */
export function decodeSafetensorsBytes(dtype: SafetensorsDType, bytes: Uint8Array, name = 'a tensor'): HostArray {
  oneOf(...Object.keys(SAFETENSORS_BYTES))('safetensors', 'dtype', dtype);
  checkBytes(bytes);
  const count = bytes.length / SAFETENSORS_BYTES[dtype];
  if (!Number.isInteger(count)) {
    throw new CheckpointError(
      `safetensors: ${dtype} needs ${SAFETENSORS_BYTES[dtype]} bytes an element, got ${bytes.length} bytes.`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const floats = (at: (i: number) => number): Float32Array => Float32Array.from({ length: count }, (_, i) => at(i));
  const integers = (at: (i: number) => number): Int32Array => Int32Array.from({ length: count }, (_, i) => at(i));
  switch (dtype) {
    case 'F32':
      return new Float32Array(new Uint8Array(bytes).buffer);
    case 'F64':
      return new Float64Array(new Uint8Array(bytes).buffer);
    case 'I32':
      return new Int32Array(new Uint8Array(bytes).buffer);
    case 'U32':
      return new Uint32Array(new Uint8Array(bytes).buffer);
    case 'F16':
      return floats((i) => fromHalf(view.getUint16(2 * i, true)));
    case 'BF16':
      return floats((i) => fromBfloat16(view.getUint16(2 * i, true)));
    case 'I64':
      return Float64Array.from({ length: count }, (_, i) => exactInteger(view.getBigInt64(8 * i, true), name));
    case 'I16':
      return integers((i) => view.getInt16(2 * i, true));
    case 'U16':
      return integers((i) => view.getUint16(2 * i, true));
    case 'I8':
      return integers((i) => view.getInt8(i));
    case 'U8':
    case 'BOOL':
      return integers((i) => view.getUint8(i));
  }
}

function exactInteger(value: bigint, name: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new CheckpointError(
    `safetensors: integers of ${name} must be within 2^53 of 0, got ${value}. Store them as I32, or split them.`,
    { name, value },
  );
}

/** The dtypes of tensors, as the file format spells them. */
type WrittenDType = Uppercase<DType>;

/** What `writeSafetensors` takes: tensors of a device or of the host (`data` numbers are converted to `dtype`). */
export type SafetensorsInput =
  | Tensor
  | {
      readonly dtype: WrittenDType;
      readonly shape: readonly number[];
      readonly data: ArrayLike<number>;
    };

/**
 * The bytes of a safetensors file, tensors in the given order, data aligned to 8 bytes.
 *
 * @param metadata string to string, as the format wants
 * @throws CheckpointError when data and shape disagree
 */
export async function writeSafetensors(
  tensors: Readonly<Record<string, SafetensorsInput>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<Uint8Array> {
  checkNames('writeSafetensors', 'tensors', tensors);
  checkNames('writeSafetensors', 'metadata', metadata);
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') {
      throw new CheckpointError(`safetensors: metadata must be text, got ${shown(value)} for ${key}. Use String().`, {
        key,
      });
    }
  }
  const parts: Uint8Array[] = [];
  const header: Record<string, unknown> = Object.keys(metadata).length > 0 ? { __metadata__: metadata } : {};
  let offset = 0;
  for (const [name, input] of Object.entries(tensors)) {
    const { dtype, shape, bytes } = await encode(name, input);
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
    parts.push(bytes);
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(8 + padded + offset).fill(0x20, 8, 8 + padded);
  new DataView(file.buffer).setUint32(0, padded, true);
  file.set(json, 8);
  let at = 8 + padded;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

async function encode(
  name: string,
  input: SafetensorsInput,
): Promise<{ dtype: SafetensorsDType; shape: readonly number[]; bytes: Uint8Array }> {
  if (input === null || typeof input !== 'object') {
    throw new CheckpointError(`safetensors: ${name} must be a tensor or { dtype, shape, data }, got ${shown(input)}.`, {
      name,
    });
  }
  if ('isTensor' in input) livingTensor('safetensors', name, input);
  else checkHostTensor(name, input);
  const dtype = 'isTensor' in input ? (input.dtype.toUpperCase() as WrittenDType) : input.dtype;
  const data = 'isTensor' in input ? await input.data() : input.data;
  const { shape } = input;
  if (data.length !== sizeOf(shape)) {
    throw new CheckpointError(
      `safetensors: ${name} [${shape.join(', ')}] needs ${sizeOf(shape)} values, got ${data.length}.`,
      { name },
    );
  }
  return { dtype, shape, bytes: toBytes(dtype, data) };
}

function checkHostTensor(name: string, { dtype, shape, data }: Exclude<SafetensorsInput, Tensor>): void {
  oneOf(...DTYPE_NAMES.map((name) => name.toUpperCase()))('safetensors', `the dtype of ${name}`, dtype);
  checkShape('safetensors', shape, `the shape of ${name}`);
  if (!Array.isArray(data) && !ArrayBuffer.isView(data)) {
    throw new CheckpointError(`safetensors: the data of ${name} must be a list of numbers, got ${shown(data)}.`, {
      name,
    });
  }
}

function toBytes(dtype: WrittenDType, data: ArrayLike<number>): Uint8Array {
  const array = storedArray(dtype.toLowerCase() as DType, data);
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
