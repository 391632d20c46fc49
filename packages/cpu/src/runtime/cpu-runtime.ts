import { ConfigError, DeviceError, KernelError } from '@modajs/errors';
import { CONTROL_ARGUMENTS, CONTROL_BYTES, CONTROL_GENERATION, CONTROL_STOP, SCRATCH_BYTES } from '../abi/control.ts';
import { CpuMemory } from './cpu-memory.ts';
import { hasRelaxedSimd, type KernelBuild, type KernelExports, moduleBytes } from './wasm-module.ts';
import { type WasmModule, webAssembly } from './web-assembly.ts';
import { availableThreads, canShareMemory, MAX_THREADS, startWorker } from './worker-pool.ts';

/** How `createCpuRuntime` sets up. */
export interface CpuRuntimeOptions {
  /** Threads including the calling one; at most 64; default: all cores up to that. Results never depend on it. */
  readonly threads?: number;
  /** Limit for all tensors together; default and maximum 4 GiB. */
  readonly memoryBytes?: number;
  /** Default: `relaxed-simd` where the engine has it. */
  readonly build?: KernelBuild;
}

const MAX_MEMORY_BYTES = 65536 * 65536;
let saidSingleThread = false;

/**
 * Compiles the kernels, sets up memory and starts the workers.
 *
 * @throws ConfigError for a thread count or memory size outside what is possible
 * @throws DeviceError where the engine has no WebAssembly, or none with SIMD
 */
export async function createCpuRuntime(options: CpuRuntimeOptions = {}): Promise<CpuRuntime> {
  const wanted = options.threads ?? availableThreads();
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > MAX_THREADS) {
    throw new ConfigError(
      `cpu: threads must be an integer from 1 to ${MAX_THREADS}, got ${wanted}. Leave it out to use all cores up to that.`,
      { threads: wanted },
    );
  }
  const memoryBytes = options.memoryBytes ?? MAX_MEMORY_BYTES;
  if (!(memoryBytes >= 2 ** 23 && memoryBytes <= MAX_MEMORY_BYTES)) {
    throw new ConfigError(`cpu: memoryBytes must be from 8388608 to ${MAX_MEMORY_BYTES}, got ${memoryBytes}.`, {
      memoryBytes,
    });
  }
  if ((globalThis as { WebAssembly?: unknown }).WebAssembly === undefined) {
    throw new DeviceError(
      'cpu: the engine must have WebAssembly, it has none. Allow it for this page (Lockdown Mode switches it off), or use the device webgpu.',
    );
  }
  const isShared = canShareMemory();
  if (!isShared && wanted > 1 && !saidSingleThread) {
    saidSingleThread = true;
    console.warn(singleThread());
  }
  const build = options.build ?? (hasRelaxedSimd() ? 'relaxed-simd' : 'simd');
  const module = await webAssembly.compile(await moduleBytes(build, isShared)).catch((cause: unknown) => {
    throw new DeviceError(
      `cpu: the engine must take WebAssembly with SIMD, it refuses the kernels (${cause}). Use Chrome, Edge, Firefox or Safari of today, or the device webgpu.`,
      {},
      { cause },
    );
  });
  return new CpuRuntime(module, new CpuMemory(isShared, memoryBytes), isShared ? wanted : 1, build);
}

/** Why a page has one thread, and what gives it more. */
function singleThread(): string {
  const { crossOriginIsolated } = globalThis as { crossOriginIsolated?: boolean };
  return crossOriginIsolated
    ? 'cpu: one thread only, because this browser shares no memory between threads. Chrome, Edge, Firefox and Safari of today do.'
    : 'cpu: one thread only, because the page is not cross-origin isolated. ' +
        'Serve it with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.';
}

/** Memory, kernels and threads: what the operators of `ops/` run on. */
export class CpuRuntime {
  readonly #exports: KernelExports;
  readonly #control: number;
  readonly #workers: { terminate(): void }[] = [];
  readonly #mayBlock: number;
  #failure: KernelError | undefined;

  constructor(
    module: WasmModule,
    readonly memory: CpuMemory,
    readonly threads: number,
    readonly build: KernelBuild,
  ) {
    const abort = () => {
      throw new Error('an assertion failed');
    };
    const instance = new webAssembly.Instance(module, { env: { memory: memory.wasm, abort } });
    this.#exports = instance.exports as KernelExports;
    memory.startAt(this.#exports.heapBase());
    this.#control = memory.allocate(CONTROL_BYTES);
    memory.i32.fill(0, this.#control >>> 2, (this.#control + CONTROL_BYTES) >>> 2);
    this.#exports.useScratch(memory.allocate(SCRATCH_BYTES));
    for (let i = 1; i < threads; i++) {
      const scratch = memory.allocate(SCRATCH_BYTES);
      this.#workers.push(startWorker({ module, memory: memory.wasm, control: this.#control, scratch }));
    }
    this.#mayBlock = threads > 1 && mayBlock(memory.i32) ? 1 : 0;
    memory.peakLiveBytes = memory.liveBytes = memory.allocations = 0;
  }

  /** Most 32-bit words that a job's arguments may have. */
  get argumentWords(): number {
    return (CONTROL_BYTES - CONTROL_ARGUMENTS) / 4;
  }

  /**
   * Runs a kernel to its end on all threads.
   *
   * @param words the kernel's arguments in the order of its AssemblyScript class; floats through `floatBits`
   * @throws KernelError when the kernel stops before its end, on any thread, and at every launch after that: other threads
   *   may still be inside the kernel, so nothing that the runtime computes from then on could be trusted
   */
  launch(kernel: number, tiles: number, words: ArrayLike<number>): void {
    if (tiles === 0) return;
    if (this.#failure) throw new KernelError(this.#failure.message, this.#failure.details);
    this.memory.i32.set(words, (this.#control + CONTROL_ARGUMENTS) >>> 2);
    let isDone = true;
    try {
      if (tiles === 1 || this.#workers.length === 0) this.#exports.runAlone(this.#control, kernel, tiles);
      else isDone = this.#exports.runShared(this.#control, kernel, tiles, this.#mayBlock) === 0;
    } catch (error) {
      throw this.#fail(kernel, `: ${(error as Error).message}`);
    }
    if (!isDone) throw this.#fail(kernel, ' on a worker');
  }

  /** Stops the workers for good and makes the error of this launch and of all that follow. */
  #fail(kernel: number, reason: string): KernelError {
    this.destroy();
    this.#failure = new KernelError(
      `cpu: kernel ${kernel} stopped${reason}. The device cannot be used any more; please report this with the shapes of the call.`,
      { kernel },
    );
    return this.#failure;
  }

  /** Calls `use` with memory that is free again afterwards. */
  withWorkspace<T>(bytes: number, use: (address: number) => T): T {
    const address = this.memory.allocate(bytes);
    try {
      return use(address);
    } finally {
      this.memory.release(address);
    }
  }

  /** Stops the workers. The runtime is unusable afterwards. */
  destroy(): void {
    Atomics.store(this.memory.i32, (this.#control + CONTROL_STOP) >>> 2, 1);
    Atomics.add(this.memory.i32, (this.#control + CONTROL_GENERATION) >>> 2, 1);
    if (this.memory.isShared) Atomics.notify(this.memory.i32, (this.#control + CONTROL_GENERATION) >>> 2);
    for (const worker of this.#workers.splice(0)) worker.terminate();
  }
}

/** A browser's main thread must not sleep; everybody else may. */
function mayBlock(words: Int32Array<ArrayBufferLike>): boolean {
  try {
    Atomics.wait(words, 0, words[0] + 1, 0);
    return true;
  } catch {
    return false;
  }
}
