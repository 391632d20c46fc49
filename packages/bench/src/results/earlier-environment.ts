import type { BenchEnvironment } from '../result.ts';

/** The machine of the first GPU files: one H100 through Dawn and Vulkan. */
export function earlierEnvironment(adapter: string, robustness: 'on' | 'off', driver = ''): BenchEnvironment {
  return { device: 'webgpu', adapter, driver, vendor: 'nvidia', architecture: 'hopper', isSoftware: false, robustness };
}
