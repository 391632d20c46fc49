import type { KernelTuning } from '@modajs/bench';
import type { BenchSettings } from './bench-messages.ts';

/** What this browser keeps for the adapter that WebGPU gives this page. */
export type AdapterTuning =
  | { readonly kind: 'looking' }
  | { readonly kind: 'none'; readonly because: string }
  | {
      readonly kind: 'adapter';
      /** `tuningKey` of the adapter. */
      readonly key: string;
      readonly isSoftware: boolean;
      /** Null before it is tuned. */
      readonly table: KernelTuning | null;
      /** Why what is kept cannot be read. */
      readonly error: string | null;
    };

/** Classes of shapes that a table has a configuration for. */
export function tunedClasses({ matmul, attention }: KernelTuning): number {
  return Object.keys(matmul).length + Object.keys(attention).length;
}

/** Why kernels cannot be tuned here, as a sentence; null when they can. */
export function tuneObstacle(tuning: AdapterTuning): string | null {
  if (tuning.kind === 'looking') return 'Looking for WebGPU…';
  return tuning.kind === 'none' ? `Kernels are tuned on WebGPU, and ${tuning.because}.` : null;
}

/** Why a benchmark on this device cannot run tuned kernels, as a sentence; null when it can. */
export function tunedObstacle(tuning: AdapterTuning, device: BenchSettings['device']): string | null {
  if (tuning.kind !== 'adapter') return tuneObstacle(tuning);
  const { table, error, isSoftware } = tuning;
  if (error !== null) return `What this browser keeps cannot be read: ${error}`;
  if (table === null) return 'No tuned kernels for this adapter yet: Tune finds the fastest for the shapes below.';
  if (tunedClasses(table) === 0) return 'Tuned kernels are the default here: nothing was faster.';
  if (device === 'cpu') return 'WebAssembly has one kernel for each operation: choose WebGPU to run tuned ones.';
  if (device === 'auto' && isSoftware) {
    return 'Automatic is WebAssembly here, for the adapter is software: choose WebGPU to run tuned kernels.';
  }
  return null;
}

/** What is kept, as a sentence; null when nothing is. */
export function keptText(tuning: AdapterTuning): string | null {
  const count = tuning.kind === 'adapter' && tuning.table !== null ? tunedClasses(tuning.table) : 0;
  if (count === 0) return null;
  return `Tuned kernels for ${count} ${count === 1 ? 'class' : 'classes'} of shapes are kept in this browser.`;
}
