import { encodeNumbers, type GgufStorage } from './quantize.ts';

/** A metadata value with its GGUF type; arrays hold one scalar type. */
export type GgufValue =
  | { readonly type: 'u32' | 'i32' | 'f32'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly type: 'f32s' | 'i32s'; readonly value: readonly number[] };

/** A tensor, row-major, and how it is written: f32 by default. Rows of Q8_0 are multiples of 32. */
export interface GgufTensor {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
  readonly storage?: GgufStorage;
}

/** Type numbers of the format. */
const codes = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const;
const storageCodes = { F32: 0, F16: 1, Q8_0: 8, Q4_0: 2 } as const;
const alignment = 32;

/**
 * The bytes of a GGUF file, version 3, data aligned to 32 bytes.
 * Reference: github.com/ggml-org/ggml, docs/gguf.md.
 */
export function writeGgufFile(
  metadata: Readonly<Record<string, GgufValue>>,
  tensors: ReadonlyMap<string, GgufTensor>,
): Uint8Array {
  const header = new ByteWriter();
  header.bytes(new TextEncoder().encode('GGUF'));
  header.u32(3);
  header.u64(tensors.size);
  header.u64(Object.keys(metadata).length);
  for (const [key, value] of Object.entries(metadata)) {
    header.text(key);
    writeValue(header, value);
  }
  const encoded = Array.from(tensors.values(), ({ data, storage = 'F32' }) => encodeNumbers(storage, data));
  let offset = 0;
  for (const [i, [name, { shape, storage = 'F32' }]] of [...tensors].entries()) {
    header.text(name);
    header.u32(shape.length);
    // The fastest dimension comes first.
    for (const length of [...shape].reverse()) header.u64(length);
    header.u32(storageCodes[storage]);
    header.u64(offset);
    offset += aligned(encoded[i].length);
  }
  const start = aligned(header.length);
  const file = new Uint8Array(start + offset);
  file.set(header.take());
  let at = start;
  for (const bytes of encoded) {
    file.set(bytes, at);
    at += aligned(bytes.length);
  }
  return file;
}

function aligned(size: number): number {
  return Math.ceil(size / alignment) * alignment;
}

function writeValue(out: ByteWriter, entry: GgufValue): void {
  const list = <T>(code: number, items: readonly T[], write: (item: T) => void): void => {
    out.u32(codes.array);
    out.u32(code);
    out.u64(items.length);
    for (const item of items) write(item);
  };
  if (entry.type === 'strings') list(codes.string, entry.value, (item) => out.text(item));
  else if (entry.type === 'f32s') list(codes.f32, entry.value, (item) => out.f32(item));
  else if (entry.type === 'i32s') list(codes.i32, entry.value, (item) => out.u32(item));
  else {
    out.u32(codes[entry.type]);
    if (entry.type === 'string') out.text(entry.value);
    else if (entry.type === 'bool') out.bytes(Uint8Array.of(Number(entry.value)));
    else if (entry.type === 'f32') out.f32(entry.value);
    else if (entry.type === 'u32' || entry.type === 'i32') out.u32(entry.value);
  }
}

/** A little-endian byte buffer that grows. */
class ByteWriter {
  #data = new Uint8Array(1 << 16);
  #view = new DataView(this.#data.buffer);
  length = 0;

  #reserve(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.#data.length) {
      const larger = new Uint8Array(Math.max(this.length, 2 * this.#data.length));
      larger.set(this.#data);
      this.#data = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }

  bytes(values: Uint8Array): void {
    const at = this.#reserve(values.length);
    this.#data.set(values, at);
  }

  /** 32 bits; negative values as two's complement. */
  u32(value: number): void {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value >>> 0, true);
  }

  u64(value: number): void {
    const at = this.#reserve(8);
    this.#view.setBigUint64(at, BigInt(value), true);
  }

  f32(value: number): void {
    const at = this.#reserve(4);
    this.#view.setFloat32(at, value, true);
  }

  text(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.u64(bytes.length);
    this.bytes(bytes);
  }

  take(): Uint8Array {
    return this.#data.subarray(0, this.length);
  }
}
