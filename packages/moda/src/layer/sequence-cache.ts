import {
  assign,
  type Device,
  type DType,
  elementBytes,
  ShapeError,
  slice,
  type Tensor,
  tidy,
  zeros,
} from '@modajs/tensor';
import {
  checkedLater,
  checkOperands,
  checkOptions,
  dtypeIs,
  floatDTypeName,
  floatOnly,
  isDevice,
  isOneDevice,
  type OptionChecks,
  rankIs,
  shapeIs,
  whole,
  wholeNumber,
} from '@modajs/tensor/checks';

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

const CACHE_OPTIONS: OptionChecks<SequenceCacheOptions> = {
  B: whole(),
  capacity: whole(),
  Hkv: whole(1),
  D: whole(1),
  dtype: floatDTypeName,
  device: isDevice,
};

function checkMemory(
  { B, capacity, Hkv, D, dtype = 'f32', device }: SequenceCacheOptions,
  memory: { readonly k: Tensor; readonly v: Tensor },
): void {
  checkOptions('sequenceCache: memory', memory, { k: checkedLater, v: checkedLater }, ['k', 'v']);
  const own = checkOperands('sequenceCache', memory);
  if (device) isOneDevice('sequenceCache', device, own);
  for (const name of ['k', 'v'] as const) {
    dtypeIs('sequenceCache', name, memory[name], dtype);
    shapeIs('sequenceCache', name, memory[name].shape, [B, capacity, Hkv, D], '[B, capacity, Hkv, D]');
  }
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
   * @throws ConfigError | ShapeError | DTypeError | DeviceError | OutOfMemoryError
   */
  constructor(
    readonly options: SequenceCacheOptions,
    memory?: { readonly k: Tensor; readonly v: Tensor },
  ) {
    checkOptions('sequenceCache', options, CACHE_OPTIONS, ['B', 'capacity', 'Hkv', 'D']);
    const { B, capacity, Hkv, D, dtype, device } = options;
    if (memory) checkMemory(options, memory);
    this.k = memory?.k ?? zeros([B, capacity, Hkv, D], { dtype, device });
    this.v = memory?.v ?? zeros([B, capacity, Hkv, D], { dtype, device });
  }

  /** Positions filled. */
  get length(): number {
    return this.#length;
  }

  /** Bytes of keys and values, filled or not. */
  get sizeBytes(): number {
    return 2 * this.k.size * elementBytes(this.k.dtype);
  }

  /**
   * Writes keys and values `[B, T, Hkv, D]` behind what is there.
   *
   * @throws ShapeError when they do not fit
   */
  append(k: Tensor, v: Tensor): void {
    const T = this.#checkPart(k, v);
    this.#requireRoom(T);
    for (const [cache, part] of [
      [this.k, k],
      [this.v, v],
    ]) {
      tidy(() => assign(slice(cache, [0, this.#length], [part.shape[0], this.#length + T]), part.detach()));
    }
    this.#length += T;
  }

  /**
   * Counts `T` more positions whose keys and values a kernel writes by itself.
   *
   * @throws ShapeError when they do not fit
   */
  advance(T: number): void {
    wholeNumber('sequenceCache.advance', 'T', T);
    this.#requireRoom(T);
    this.#length += T;
  }

  #checkPart(k: Tensor, v: Tensor): number {
    const operation = 'sequenceCache.append';
    isOneDevice(operation, this.k.device, checkOperands(operation, { k, v, 'the cache': this.k }));
    floatOnly(operation, k, v);
    rankIs(operation, 'k', k, '[B, T, Hkv, D]');
    const { B, Hkv, D } = this.options;
    const T = k.shape[1];
    shapeIs(operation, 'k', k.shape, [B, T, Hkv, D], '[B, T, Hkv, D]');
    shapeIs(operation, 'v', v.shape, [B, T, Hkv, D], '[B, T, Hkv, D]');
    return T;
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

  /** Forgets positions from `length` on. @throws ConfigError */
  truncate(length: number): void {
    wholeNumber('sequenceCache.truncate', 'length', length);
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
