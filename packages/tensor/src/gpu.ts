/**
 * Where `init` finds WebGPU, for programs that list adapters or open Dawn with its bounds checks.
 */

export { openGpu } from '#gpu';
export type { GpuEntry, GpuOptions } from './backends/webgpu/gpu-entry.ts';
