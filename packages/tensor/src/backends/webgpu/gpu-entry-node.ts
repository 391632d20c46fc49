import type { GpuEntry, GpuOptions } from './gpu-entry.ts';
import { hasLibrary } from './has-library.ts';

/**
 * Dawn's switches, which it takes silently when mistyped. Subgroup matrices are behind `allow_unsafe_apis`, f16 on NVIDIA
 * behind its own switch; bounds clamping costs half the speed of a matrix product and protects a web page from its
 * scripts, not a Node process from itself; unquantised timestamps are for profiles.
 */
const ENABLED = ['allow_unsafe_apis', 'vulkan_enable_f16_on_nvidia'];
const WITHOUT_BOUNDS_CHECKS = 'disable_robustness';
const DISABLED = ['timestamp_quantization'];

/** Dawn through the npm package `webgpu` (an optional peer dependency), or null when it is not installed or does not load. */
export async function openGpu({ boundsChecks = false }: GpuOptions = {}): Promise<GpuEntry | null> {
  const dawn = await import('webgpu').catch(() => null);
  if (dawn === null) return null;
  // Dawn prints native warnings, above all that we say, when it looks for adapters and finds no Vulkan loader.
  if (process.platform === 'linux' && !hasLibrary('libvulkan.so.1')) return { gpu: withoutAdapters, release: () => {} };
  const enabled = boundsChecks ? ENABLED : [...ENABLED, WITHOUT_BOUNDS_CHECKS];
  const flags = [`enable-dawn-features=${enabled.join(',')}`, `disable-dawn-features=${DISABLED.join(',')}`];
  const gpu = dawn.create(flags);
  reachable.add(gpu);
  return { gpu, release: () => void setTimeout(() => reachable.delete(gpu), GRACE_MS).unref() };
}

/** WebGPU on a machine that has no driver. */
const withoutAdapters = { requestAdapter: async () => null } as unknown as GPU;

/**
 * Dawn's binding schedules a poll of the instance for each unfinished promise and does not keep the instance alive for it:
 * collected too early, the poll locks a freed mutex and the process aborts ("The futex facility returned an unexpected
 * error code"). So the object stays reachable until some time after the device's end. This holds up no exit.
 */
const reachable = new Set<GPU>();
const GRACE_MS = 1000;
