import type { KernelPlan } from '../plan/plan.ts';
import { bindRanges } from './bind-ranges.ts';
import { PipelineCache } from './pipeline-cache.ts';
import { type BoundPass, type PreparedDispatches, prepareDispatches } from './prepared-dispatches.ts';

const caches = new WeakMap<GPUDevice, PipelineCache>();

/** The pipelines of a device's prepared plans: each shader with each set of constants is compiled once. */
export function preparedPipelines(device: GPUDevice): PipelineCache {
  let cache = caches.get(device);
  if (!cache) {
    cache = new PipelineCache(device, false);
    caches.set(device, cache);
  }
  return cache;
}

/**
 * Compiles and binds a plan, for programs that own a device and whole buffers: benchmarks and the tests of kernels.
 *
 * @param bufferOf gives the buffer of an operand or of workspace by the name that the plan binds, or throws
 * @throws KernelError with the label and the compiler's message
 */
export async function preparePlan(
  device: GPUDevice,
  plan: KernelPlan,
  bufferOf: (name: string) => GPUBuffer,
): Promise<PreparedDispatches> {
  const names = plan.passes.flatMap(({ bindings }) => bindings.map(({ buffer }) => buffer));
  const ranges = Object.fromEntries(
    [...new Set(names)].map((name) => {
      const gpu = bufferOf(name);
      return [name, { buffer: { gpu }, offset: 0, size: gpu.size }];
    }),
  );
  const passes: BoundPass[] = [];
  for (const pass of plan.passes) {
    const prepared = await preparedPipelines(device).compile(pass);
    passes.push({ pass, prepared, ranges: bindRanges(pass, ranges, Number.POSITIVE_INFINITY) });
  }
  return prepareDispatches(device, passes);
}
