import type { WasmMemory, WasmModule } from './web-assembly.ts';
import { WORKER_SOURCE } from './worker-source.ts';

/** What a worker needs to take part in jobs. */
export interface WorkerStart {
  readonly module: WasmModule;
  readonly memory: WasmMemory;
  readonly control: number;
  readonly scratch: number;
}

interface StartedWorker {
  terminate(): void;
}

/** The parts of the Worker of browsers and of `node:worker_threads` that we use. */
interface BrowserWorker {
  postMessage(message: unknown): void;
  terminate(): void;
}

function nodeModule<K extends 'node:worker_threads' | 'node:os'>(name: K) {
  return typeof process === 'object' ? process.getBuiltinModule?.(name) : undefined;
}

/** Most threads of a runtime, the calling one included. */
export const MAX_THREADS = 64;

/** Cores that this process may use; from 1 to `MAX_THREADS`. */
export function availableThreads(): number {
  const { navigator } = globalThis as { navigator?: { hardwareConcurrency?: number } };
  return Math.min(MAX_THREADS, nodeModule('node:os')?.availableParallelism() ?? navigator?.hardwareConcurrency ?? 1);
}

/**
 * Whether memory can be shared with workers: always in Node, in a browser only with cross-origin isolation. WebKitGTK says
 * that a page is isolated and yet has no `SharedArrayBuffer`.
 */
export function canShareMemory(): boolean {
  const { crossOriginIsolated } = globalThis as { crossOriginIsolated?: boolean };
  const isIsolated = nodeModule('node:worker_threads') !== undefined || crossOriginIsolated === true;
  return isIsolated && typeof SharedArrayBuffer === 'function';
}

/** Starts one worker. It does not keep a Node process alive. */
export function startWorker(start: WorkerStart): StartedWorker {
  const threads = nodeModule('node:worker_threads');
  if (threads) {
    const worker = new threads.Worker(WORKER_SOURCE, { eval: true, execArgv: [] });
    worker.postMessage(start);
    worker.unref();
    return { terminate: () => void worker.terminate() };
  }
  const { Worker, Blob, URL } = globalThis as unknown as {
    Worker: new (url: string) => BrowserWorker;
    Blob: new (parts: string[], options: { type: string }) => object;
    URL: { createObjectURL(blob: object): string; revokeObjectURL(url: string): void };
  };
  const url = URL.createObjectURL(new Blob([WORKER_SOURCE], { type: 'text/javascript' }));
  const worker = new Worker(url);
  worker.postMessage(start);
  return {
    terminate: () => {
      worker.terminate();
      URL.revokeObjectURL(url);
    },
  };
}
