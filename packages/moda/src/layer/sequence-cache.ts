import { type Device, type DType, ShapeError, type Tensor, zeros } from '@modajs/tensor';

/** Shape of a cache and where it lives. */
export interface SequenceCacheOptions {
  readonly B: number;
  /** Positions it can hold. */
  readonly capacity: number;
  readonly Hkv: number;
  readonly D: number;
  readonly dtype?: DType;
  readonly device?: Device;
}

/**
 * Keys and values of the positions seen so far, for one layer: `[B, capacity, Hkv, D]` each, filled in place from the
 * front, so growing copies nothing. For inference; appended tensors leave the autograd graph.
 */
export class SequenceCache implements Disposable {
  readonly k: Tensor;
  readonly v: Tensor;
  #length = 0;

  /**
   * @param memory tensors of these options to fill, owned by the cache from now on; its own zeros by default
   * @throws OutOfMemoryError
   */
  constructor(
    readonly options: SequenceCacheOptions,
    memory?: { readonly k: Tensor; readonly v: Tensor },
  ) {
    const { B, capacity, Hkv, D, dtype, device } = options;
    this.k = memory?.k ?? zeros([B, capacity, Hkv, D], { dtype, device });
    this.v = memory?.v ?? zeros([B, capacity, Hkv, D], { dtype, device });
  }

  /** Positions filled. */
  get length(): number {
    return this.#length;
  }

  /** Bytes of keys and values, filled or not. */
  get sizeBytes(): number {
    return 2 * this.k.size * (this.k.dtype === 'f16' ? 2 : 4);
  }

  /**
   * Writes keys and values `[B, T, Hkv, D]` behind what is there.
   *
   * @throws ShapeError when they do not fit
   */
  append(k: Tensor, v: Tensor): void {
    const T = k.shape[1];
    this.#requireRoom(T);
    for (const [cache, part] of [
      [this.k, k],
      [this.v, v],
    ]) {
      const view = cache.view;
      const offset = view.offset + this.#length * view.strides[1];
      cache.device.backend.copy(part.view, { ...view, shape: part.shape, offset });
    }
    this.#length += T;
  }

  /**
   * Counts `T` more positions whose keys and values a kernel writes by itself.
   *
   * @throws ShapeError when they do not fit
   */
  advance(T: number): void {
    this.#requireRoom(T);
    this.#length += T;
  }

  #requireRoom(T: number): void {
    const { capacity } = this.options;
    if (this.#length + T > capacity) {
      throw new ShapeError(
        `sequenceCache.append: positions must fit the capacity ${capacity}, got ${this.#length} + ${T}. Make the cache larger.`,
        { length: this.#length, T, capacity },
      );
    }
  }

  /** Forgets positions from `length` on. */
  truncate(length: number): void {
    this.#length = Math.min(this.#length, length);
  }

  dispose(): void {
    this.k.dispose();
    this.v.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
