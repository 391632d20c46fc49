/** What waits for the first WebGPU device. */
const waiting: (() => Promise<void>)[] = [];
/** Everything that was loaded for one; null before the first. */
let loading: Promise<unknown> | null = null;

/**
 * What a package needs on WebGPU alone, such as kernels of its own: it is loaded as the first WebGPU device opens, before that is given
 * out, and a page on another device loads none of it. To be called where the package's module starts. A package that is itself loaded
 * after a WebGPU device was opened has it a moment later and does without until then.
 *
 * @param load a dynamic import
 * @returns gives what was loaded; null before
 * @example
 * const kernels = withWebGpu(() => import('./webgpu-kernels.ts'));
 */
export function withWebGpu<T>(load: () => Promise<T>): () => T | null {
  let loaded: T | null = null;
  const start = async (): Promise<void> => {
    loaded = await load();
  };
  if (loading === null) waiting.push(start);
  else {
    loading = Promise.all([loading, start()]);
    // Whoever opens the next device is told.
    loading.catch(() => {});
  }
  return () => loaded;
}

/** Loads what waits for a WebGPU device. */
export async function loadForWebGpu(): Promise<void> {
  loading ??= Promise.all(waiting.map((start) => start()));
  await loading;
}
