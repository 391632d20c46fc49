import { ConfigError, OutOfMemoryError } from '@modajs/errors';
import { type WasmMemory, webAssembly } from './web-assembly.ts';

const PAGE_BYTES = 65536;
const ALIGNMENT = 64;

/** Rounds up to a size class: 8 classes per doubling, so at most 1/8 is lost and freed blocks fit again. */
export function sizeClass(bytes: number): number {
  if (bytes <= ALIGNMENT) return ALIGNMENT;
  const step = Math.max(ALIGNMENT, 2 ** (Math.floor(Math.log2(bytes - 1)) - 3));
  return Math.ceil(bytes / step) * step;
}

/**
 * The linear memory that tensors and kernels share, and its allocator: blocks are aligned to 64 bytes, freed ones go to a list of their
 * size class and are reused. Addresses are byte offsets.
 */
export class CpuMemory {
  readonly wasm: WasmMemory;
  readonly isShared: boolean;
  f32!: Float32Array;
  i32!: Int32Array;
  u32!: Uint32Array;
  u16!: Uint16Array;
  liveBytes = 0;
  pooledBytes = 0;
  peakLiveBytes = 0;
  /** Blocks taken from fresh memory so far; reuse does not count. */
  allocations = 0;
  #end = 0;
  readonly #free = new Map<number, number[]>();
  readonly #sizes = new Map<number, number>();

  constructor(
    isShared: boolean,
    readonly limitBytes: number,
  ) {
    this.isShared = isShared;
    this.wasm = new webAssembly.Memory({ initial: 16, maximum: 65536, shared: isShared });
    this.#refreshViews();
  }

  /** Start of what may be handed out: behind the module's constants. */
  startAt(address: number): void {
    this.#end = Math.ceil(address / ALIGNMENT) * ALIGNMENT;
  }

  /** @throws OutOfMemoryError when the memory may not grow that far */
  allocate(bytes: number): number {
    const wanted = sizeClass(bytes);
    const address = this.#free.get(wanted)?.pop() ?? this.#fresh(wanted) ?? this.#larger(wanted);
    if (address === undefined) throw this.#full(bytes);
    const known = this.#sizes.get(address);
    if (known !== undefined) this.pooledBytes -= known;
    else this.#sizes.set(address, wanted);
    this.liveBytes += known ?? wanted;
    this.peakLiveBytes = Math.max(this.peakLiveBytes, this.liveBytes);
    return address;
  }

  release(address: number): void {
    const size = this.#sizes.get(address);
    if (size === undefined) {
      throw new ConfigError(`cpu: release takes an address that allocate returned, got ${address}.`, { address });
    }
    const list = this.#free.get(size);
    if (list) list.push(address);
    else this.#free.set(size, [address]);
    this.liveBytes -= size;
    this.pooledBytes += size;
  }

  #full(bytes: number): OutOfMemoryError {
    const { liveBytes, limitBytes } = this;
    return new OutOfMemoryError(
      `cpu: ${bytes} B do not fit, ${liveBytes} B of ${limitBytes} B are in use. ` +
        'Use a smaller batch or sequence, or activation checkpointing.',
      { bytes, liveBytes, limitBytes },
    );
  }

  /** Address of memory that nobody had yet, or undefined when there is no more. */
  #fresh(size: number): number | undefined {
    const address = this.#end;
    const missing = address + size - this.wasm.buffer.byteLength;
    if (address + size > this.limitBytes) return undefined;
    if (missing > 0) {
      try {
        this.wasm.grow(Math.ceil(missing / PAGE_BYTES));
      } catch {
        return undefined;
      }
      this.#refreshViews();
    }
    this.#end += size;
    this.allocations++;
    return address;
  }

  /** The smallest free block that is large enough: better than none when memory is full. */
  #larger(size: number): number | undefined {
    const classes = [...this.#free].filter(([free, list]) => free >= size && list.length > 0);
    return classes.sort(([a], [b]) => a - b)[0]?.[1].pop();
  }

  #refreshViews(): void {
    const { buffer } = this.wasm;
    this.f32 = new Float32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.u16 = new Uint16Array(buffer);
  }
}
