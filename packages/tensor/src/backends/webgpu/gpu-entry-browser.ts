import type { GpuEntry, GpuOptions } from './gpu-entry.ts';

interface NavigatorWithGpu {
  readonly gpu?: GPU;
}

/** `navigator.gpu`, or null where there is none. Also serves Deno and Workers. Their bounds checks are always on. */
export async function openGpu(_options: GpuOptions = {}): Promise<GpuEntry | null> {
  const { navigator } = globalThis as { navigator?: NavigatorWithGpu };
  return navigator?.gpu ? { gpu: navigator.gpu, release: () => {} } : null;
}
