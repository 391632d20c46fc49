import { type DType, elementBytes, type HostArray } from '../../core/dtype.ts';
import { DeviceError, OutOfMemoryError } from '../../core/errors.ts';
import type { DeviceStorage, MemoryStats } from '../backend.ts';
import { type ReferencePrecision, ReferenceStorage, storageRound } from './reference-storage.ts';

/**
 * Allocation and counting for the reference device. Sizes are those the dtypes have on real devices. Released memory is
 * poisoned and never handed out again, so a use after release shows as NaN.
 */
export class ReferenceMemory {
  readonly #alive = new Set<DeviceStorage>();
  readonly #sizes = new Map<string, number>();
  #liveBytes = 0;
  #peakLiveBytes = 0;
  #allocations = 0;

  constructor(readonly precision: ReferencePrecision) {}

  allocate(length: number, dtype: DType): ReferenceStorage {
    const storage = this.#storage(length, dtype);
    this.#alive.add(storage);
    this.#liveBytes += length * elementBytes(dtype);
    this.#peakLiveBytes = Math.max(this.#peakLiveBytes, this.#liveBytes);
    // A pooling device allocates only when no released block of the size is left; count as it would.
    const key = `${dtype}:${length}`;
    const free = this.#sizes.get(key) ?? 0;
    if (free > 0) this.#sizes.set(key, free - 1);
    else this.#allocations++;
    return storage;
  }

  /** @throws OutOfMemoryError */
  #storage(length: number, dtype: DType): ReferenceStorage {
    try {
      return new ReferenceStorage(length, dtype);
    } catch (cause) {
      const bytes = length * elementBytes(dtype);
      throw new OutOfMemoryError(
        `reference: ${bytes} B do not fit, ${this.#liveBytes} B are in use, got no more from the host. Use a smaller batch or sequence.`,
        { bytes, liveBytes: this.#liveBytes },
        { cause },
      );
    }
  }

  /** @throws DeviceError when `storage` was released before. */
  release(storage: DeviceStorage): void {
    if (!this.#alive.delete(storage)) {
      throw new DeviceError(
        `reference: storage must be alive when it is released, got a ${storage.dtype} storage of ${storage.length} released twice. Dispose of a tensor once.`,
      );
    }
    const { length, dtype } = storage;
    this.#liveBytes -= length * elementBytes(dtype);
    const key = `${dtype}:${length}`;
    this.#sizes.set(key, (this.#sizes.get(key) ?? 0) + 1);
    (storage as ReferenceStorage).data.fill(NaN);
  }

  upload(storage: DeviceStorage, offset: number, values: HostArray): void {
    const { data } = storage as ReferenceStorage;
    const store = storageRound(storage.dtype, this.precision);
    for (let i = 0; i < values.length; i++) data[offset + i] = store(values[i]);
  }

  download(storage: DeviceStorage, offset: number, length: number): HostArray {
    const part = (storage as ReferenceStorage).data.slice(offset, offset + length);
    if (storage.dtype === 'i32') return Int32Array.from(part);
    if (storage.dtype === 'u32') return Uint32Array.from(part);
    return part;
  }

  stats(): MemoryStats {
    return {
      liveBytes: this.#liveBytes,
      pooledBytes: 0,
      allocations: this.#allocations,
      peakLiveBytes: this.#peakLiveBytes,
    };
  }

  clear(): void {
    this.#alive.clear();
    this.#sizes.clear();
    this.#liveBytes = 0;
  }
}
