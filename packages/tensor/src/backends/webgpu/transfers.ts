import { BUFFER_USAGE, MAP_MODE_READ, MAP_MODE_WRITE } from '@modajs/kernels/executor';
import type { DType, HostArray } from '../../core/dtype.ts';
import { dtypeEntry, elementBytes, storedArray } from '../../core/dtype.ts';
import type { PooledBuffer } from './buffer-pool.ts';
import type { CommandRecorder } from './command-recorder.ts';
import { sizeClass } from './size-class.ts';

/** Bytes as the device keeps them; Dawn takes no views on shared memory, so those are copied. */
export function deviceBytes(data: HostArray, dtype: DType): Uint8Array<ArrayBuffer> {
  const stored = storedArray(dtype, data);
  const typed = stored.buffer instanceof ArrayBuffer ? stored : stored.slice();
  return new Uint8Array(typed.buffer as ArrayBuffer, typed.byteOffset, typed.byteLength);
}

/** Host numbers from device bytes. */
export function hostArray(bytes: ArrayBuffer, offset: number, length: number, dtype: DType): HostArray {
  const { StoredArray, HostArray, decode } = dtypeEntry(dtype);
  if (decode === null) return new HostArray(bytes, offset, length);
  return HostArray.from(new StoredArray(bytes, offset, length), decode);
}

/** Part of a buffer of 4-byte elements and where it goes: f32 into floats, u32 into a `Uint32Array`. */
export interface WordRead {
  readonly buffer: PooledBuffer;
  /** First element. */
  readonly offset: number;
  readonly into: Float32Array | Float64Array | Uint32Array;
}

/** Staging buffers of one size that wait for reuse: as many as gradients of a billion parameters, in buckets, are read back through. */
const MOST_KEPT = 160;

/** From so many bytes on a mapped buffer is faster than `writeBuffer`, which copies twice. */
const MAPPED_BYTES = 2 ** 20;
/** Bytes of mapped buffers that there may be; what is written beyond them goes through `writeBuffer`. */
const MOST_MAPPED_BYTES = 2 ** 27;

/** Moves bytes between host and device in the order of the recorded commands. */
export class Transfers {
  readonly #staging = new Map<number, GPUBuffer[]>();
  /** Mapped for writing. */
  readonly #writable = new Map<number, GPUBuffer[]>();
  #mappedBytes = 0;

  constructor(readonly recorder: CommandRecorder) {}

  /** Writes whole words; `bytes` is padded to a multiple of four by the caller. */
  write(buffer: PooledBuffer, byteOffset: number, bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.byteLength === 0) return;
    if (bytes.byteLength >= MAPPED_BYTES && this.#writeMapped(buffer, byteOffset, bytes)) return;
    // The queue writes before anything that is not submitted yet: commands that use the old contents go first.
    if (buffer.lastUse === this.recorder.submission) this.recorder.flush();
    this.recorder.device.queue.writeBuffer(buffer.gpu, byteOffset, bytes);
    this.recorder.log?.push({ kind: 'write', buffer, byteOffset, bytes: bytes.slice() });
  }

  /** Writes through a mapped buffer, whose copy is recorded in its place; false when there are too many under way. */
  #writeMapped(buffer: PooledBuffer, byteOffset: number, bytes: Uint8Array<ArrayBuffer>): boolean {
    const staging = this.#takeWritable(bytes.byteLength);
    if (staging === null) return false;
    new Uint8Array(staging.getMappedRange(0, bytes.byteLength)).set(bytes);
    staging.unmap();
    this.recorder.write(staging, buffer, byteOffset, bytes.byteLength);
    this.recorder.log?.push({ kind: 'write', buffer, byteOffset, bytes: bytes.slice() });
    this.recorder.flush();
    staging.mapAsync(MAP_MODE_WRITE, 0, staging.size).then(
      () => this.#writable.get(staging.size)!.push(staging),
      // The device is gone: whoever waits for it hears why.
      () => {},
    );
    return true;
  }

  #takeWritable(bytes: number): GPUBuffer | null {
    const size = sizeClass(bytes);
    const list = this.#writable.get(size) ?? [];
    this.#writable.set(size, list);
    const mapped = list.pop();
    if (mapped) return mapped;
    if (this.#mappedBytes + size > MOST_MAPPED_BYTES) return null;
    this.#mappedBytes += size;
    const usage = BUFFER_USAGE.MAP_WRITE | BUFFER_USAGE.COPY_SRC;
    return this.recorder.device.createBuffer({ size, usage, mappedAtCreation: true, label: `upload (${size} B)` });
  }

  /** Reads parts of buffers of 4-byte elements after all recorded work, through one staging buffer. */
  async readAll(parts: readonly WordRead[]): Promise<void> {
    const size = 4 * parts.reduce((sum, { into }) => sum + into.length, 0);
    if (size === 0) return;
    const staging = this.#takeStaging(size);
    let at = 0;
    for (const { buffer, offset, into } of parts) {
      if (into.length > 0) this.recorder.copy(buffer, 4 * offset, staging, at, 4 * into.length);
      at += 4 * into.length;
    }
    this.recorder.flush();
    await staging.mapAsync(MAP_MODE_READ, 0, size);
    const mapped = staging.getMappedRange(0, size);
    const [floats, words] = [new Float32Array(mapped), new Uint32Array(mapped)];
    at = 0;
    for (const { into } of parts) {
      into.set((into instanceof Uint32Array ? words : floats).subarray(at, at + into.length));
      at += into.length;
    }
    staging.unmap();
    this.#keep(staging);
  }

  /** Reads elements after all recorded work. */
  async read(buffer: PooledBuffer, dtype: DType, start: number, length: number): Promise<HostArray> {
    if (length === 0) return hostArray(new ArrayBuffer(0), 0, 0, dtype);
    const bytes = elementBytes(dtype);
    const from = Math.floor((start * bytes) / 4) * 4;
    const size = Math.ceil(((start + length) * bytes) / 4) * 4 - from;
    const staging = this.#takeStaging(size);
    this.recorder.copy(buffer, from, staging, 0, size);
    this.recorder.flush();
    await staging.mapAsync(MAP_MODE_READ, 0, size);
    const copy = staging.getMappedRange(0, size).slice(0);
    staging.unmap();
    this.#keep(staging);
    return hostArray(copy, start * bytes - from, length, dtype);
  }

  #takeStaging(bytes: number): GPUBuffer {
    const size = sizeClass(bytes);
    const usage = BUFFER_USAGE.MAP_READ | BUFFER_USAGE.COPY_DST;
    return (
      this.#staging.get(size)?.pop() ??
      this.recorder.device.createBuffer({ size, usage, label: `readback (${size} B)` })
    );
  }

  #keep(staging: GPUBuffer): void {
    const list = this.#staging.get(staging.size);
    if (!list) this.#staging.set(staging.size, [staging]);
    else if (list.length < MOST_KEPT) list.push(staging);
    else staging.destroy();
  }
}
