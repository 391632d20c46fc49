import type { CpuRuntime } from '../runtime/cpu-runtime.ts';
import { type CpuArray, denseArray, dtypeBytes, elementCount, isConverted } from './cpu-array.ts';
import { copy } from './elementwise.ts';

/**
 * Gives f32 kernels contiguous f32 operands: shorter floats are converted into temporary memory and results converted back.
 * Operands that are f32 already are used as they are.
 */
export class FloatScope {
  readonly #temporary: number[] = [];
  readonly #results: { from: CpuArray; to: CpuArray }[] = [];

  constructor(readonly runtime: CpuRuntime) {}

  /** Runs `use` and then writes results back and frees what was borrowed. */
  static run(runtime: CpuRuntime, use: (scope: FloatScope) => void): void {
    const scope = new FloatScope(runtime);
    try {
      use(scope);
      for (const { from, to } of scope.#results) copy(runtime, from, to);
    } finally {
      for (const address of scope.#temporary) runtime.memory.release(address);
    }
  }

  /** Address of the values as f32; 0 for null. */
  read(x: CpuArray | null | undefined): number {
    if (!x) return 0;
    if (!isConverted(x.dtype)) return x.address;
    const dense = this.#borrow(x);
    copy(this.runtime, x, dense);
    return dense.address;
  }

  /** Address to write f32 results of `out`'s shape to; 0 for null. */
  write(out: CpuArray | null | undefined): number {
    if (!out) return 0;
    if (!isConverted(out.dtype)) return out.address;
    const dense = this.#borrow(out);
    this.#results.push({ from: dense, to: out });
    return dense.address;
  }

  /** As `write`, holding the present values: for results that are added to. */
  update(out: CpuArray): number {
    const address = this.write(out);
    if (address !== out.address) copy(this.runtime, out, denseArray(address, out.shape));
    return address;
  }

  /** `bytes` of memory until the scope ends. */
  workspace(bytes: number): number {
    const address = this.runtime.memory.allocate(Math.max(bytes, 4));
    this.#temporary.push(address);
    return address;
  }

  #borrow(x: CpuArray): CpuArray {
    return denseArray(this.workspace(elementCount(x.shape) * dtypeBytes('f32')), x.shape);
  }
}
