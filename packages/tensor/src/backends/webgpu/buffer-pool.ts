import { SMALLER_OPERAND } from '@modajs/kernels';
import { BUFFER_USAGE } from '@modajs/kernels/executor';
import { OutOfMemoryError } from '../../core/errors.ts';
import type { MemoryStats } from '../backend.ts';
import { sizeClass } from './size-class.ts';

/** Steps that a free buffer waits for a new owner before it goes back to the driver. */
const STEPS_KEPT = 32;

/** A GPU buffer with a number to name it in cache keys. */
export interface PooledBuffer {
  readonly id: number;
  readonly gpu: GPUBuffer;
  readonly size: number;
  /** Number of the submission whose commands last used it; uploads must not overtake them. */
  lastUse: number;
  freedAt: number;
}

export interface BufferPoolOptions {
  readonly device: GPUDevice;
  readonly maxBufferBytes: number;
  /** Bytes of all buffers together; no limit but the device's by default. */
  readonly memoryLimitBytes?: number;
  /** Called before buffers are destroyed: recorded commands must be submitted, caches that name the buffers emptied. */
  readonly onDestroy: () => void;
}

/**
 * Storage buffers by size class, last freed first: a program that repeats itself allocates nothing after the first round.
 * A buffer may have a new owner at once, for commands run in the order they were recorded.
 */
export class BufferPool {
  readonly #options: BufferPoolOptions;
  readonly #free = new Map<number, PooledBuffer[]>();
  #nextId = 0;
  #step = 0;
  #liveBytes = 0;
  #pooledBytes = 0;
  #peakLiveBytes = 0;
  #allocations = 0;
  #generation = 0;
  /** Where acquired buffers are remembered while commands are captured. */
  acquired: Set<PooledBuffer> | null = null;

  constructor(options: BufferPoolOptions) {
    this.#options = options;
  }

  /** Room for `bytes`; contents undefined. @throws OutOfMemoryError with bytes asked, bytes live and the limit */
  acquire(bytes: number, purpose: string): PooledBuffer {
    const size = sizeClass(bytes);
    const buffer = this.#free.get(size)?.pop() ?? this.#create(size, bytes, purpose);
    if (buffer.freedAt >= 0) this.#pooledBytes -= size;
    buffer.freedAt = -1;
    this.#liveBytes += size;
    this.#peakLiveBytes = Math.max(this.#peakLiveBytes, this.#liveBytes);
    this.acquired?.add(buffer);
    return buffer;
  }

  /** Whether a buffer waits for an owner. Not for buffers of an earlier generation. */
  isFree(buffer: PooledBuffer): boolean {
    return buffer.freedAt >= 0;
  }

  /** Counts this step as the last use of a free buffer, which replayed commands work on without acquiring it. */
  touch(buffer: PooledBuffer): void {
    buffer.freedAt = this.#step;
  }

  /** Changes when buffers are destroyed. */
  get generation(): number {
    return this.#generation;
  }

  release(buffer: PooledBuffer): void {
    buffer.freedAt = this.#step;
    this.#liveBytes -= buffer.size;
    this.#pooledBytes += buffer.size;
    const list = this.#free.get(buffer.size);
    if (list) list.push(buffer);
    else this.#free.set(buffer.size, [buffer]);
  }

  /**
   * Counts a step, and now and then returns to the driver what nobody has used for many steps. Free buffers are put in order, so
   * that a step that repeats the last one gets the same buffers in the same places, and finds its bind groups made.
   */
  endStep(): void {
    this.#step++;
    for (const list of this.#free.values()) list.sort((a, b) => b.id - a.id);
    if (this.#step % STEPS_KEPT === 0) this.trim(this.#step - STEPS_KEPT);
  }

  /** Destroys the free buffers that were freed at or before `step`; all of them by default. */
  trim(step = this.#step): void {
    const isOld = (buffer: PooledBuffer) => buffer.freedAt <= step;
    if (![...this.#free.values()].some((list) => list.some(isOld))) return;
    this.#options.onDestroy();
    this.#generation++;
    for (const [size, list] of this.#free) {
      for (const buffer of list.filter(isOld)) {
        buffer.gpu.destroy();
        this.#pooledBytes -= size;
      }
      this.#free.set(
        size,
        list.filter((buffer) => !isOld(buffer)),
      );
    }
  }

  memory(): MemoryStats {
    return {
      liveBytes: this.#liveBytes,
      pooledBytes: this.#pooledBytes,
      allocations: this.#allocations,
      peakLiveBytes: this.#peakLiveBytes,
    };
  }

  #create(size: number, bytes: number, purpose: string): PooledBuffer {
    const { device, maxBufferBytes, memoryLimitBytes = Number.POSITIVE_INFINITY } = this.#options;
    if (size > maxBufferBytes) {
      throw new OutOfMemoryError(
        `webgpu: ${purpose} needs ${bytes} B in one buffer; the device allows ${maxBufferBytes} B. ${SMALLER_OPERAND}`,
        { bytes, maxBufferBytes, liveBytes: this.#liveBytes },
      );
    }
    if (this.#liveBytes + this.#pooledBytes + size > memoryLimitBytes) this.trim();
    if (this.#liveBytes + size > memoryLimitBytes) {
      throw new OutOfMemoryError(
        `webgpu: ${purpose} needs ${bytes} B beside ${this.#liveBytes} B that are live; the limit is ${memoryLimitBytes} B. Use a smaller batch, or dispose tensors (tidy).`,
        { bytes, liveBytes: this.#liveBytes, memoryLimitBytes },
      );
    }
    this.#allocations++;
    const usage = BUFFER_USAGE.STORAGE | BUFFER_USAGE.COPY_SRC | BUFFER_USAGE.COPY_DST;
    const gpu = device.createBuffer({ size, usage, label: `${purpose} (${size} B)` });
    return { id: this.#nextId++, gpu, size, lastUse: -1, freedAt: -1 };
  }
}
