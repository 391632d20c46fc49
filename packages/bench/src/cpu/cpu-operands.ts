import { type ArrayView, type Backend, DeviceError } from '@modajs/tensor';
import type { OperandMemory } from '../measure/operand-memory.ts';
import { randomValue } from '../measure/random-value.ts';

/** Operands in a backend's own memory, f32. */
export class CpuOperands implements OperandMemory {
  readonly #storages = new Map<string, ReturnType<Backend['allocate']>>();

  constructor(readonly backend: Backend) {}

  allocate(name: string, count: number, _dtype: 'f32' | 'f16'): void {
    const former = this.#storages.get(name);
    if (former) this.backend.release(former);
    const storage = this.backend.allocate(count, 'f32');
    this.#storages.set(name, storage);
    this.backend.fill({ storage, dtype: 'f32', shape: [count], strides: [1], offset: 0 }, 0);
  }

  async fill(name: string, count: number, dtype: 'f32' | 'f16', seed: number): Promise<void> {
    this.allocate(name, count, dtype);
    const values = Float32Array.from({ length: count }, (_, index) => randomValue(index, seed));
    this.backend.upload(this.#storage(name), 0, values);
  }

  async read(name: string, first: number, count: number): Promise<Float64Array> {
    return Float64Array.from(await this.backend.download(this.#storage(name), first, count));
  }

  /** The operand, or a part of it from its start, by shape; row-major unless strides are given. */
  view(name: string, shape: readonly number[], strides?: readonly number[]): ArrayView {
    const rowMajor = shape.map((_, d) => shape.slice(d + 1).reduce((product, extent) => product * extent, 1));
    return { storage: this.#storage(name), dtype: 'f32', shape, strides: strides ?? rowMajor, offset: 0 };
  }

  release(): void {
    for (const storage of this.#storages.values()) this.backend.release(storage);
    this.#storages.clear();
  }

  #storage(name: string): ReturnType<Backend['allocate']> {
    const storage = this.#storages.get(name);
    if (!storage) throw new DeviceError(`bench: operand "${name}" must be allocated first.`, { name });
    return storage;
  }
}
