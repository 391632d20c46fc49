import type { Device } from '@modajs/tensor';
import { cpuTarget } from '../cpu/cpu-target.ts';
import { webGpuBackend } from '../webgpu/webgpu-backend.ts';
import { webGpuTarget } from '../webgpu/webgpu-target.ts';
import type { BenchTarget } from './bench-target.ts';

/** A tensor device as benchmarks see it. */
export function benchTarget(device: Device): BenchTarget {
  const backend = webGpuBackend(device);
  return backend === null ? cpuTarget(device) : webGpuTarget(device, backend);
}
