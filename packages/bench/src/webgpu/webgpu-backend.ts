import type { DeviceCapabilities } from '@modajs/kernels';
import type { Backend, Device } from '@modajs/tensor';

/** What benchmarks use of the tensor package's WebGPU device. */
export interface WebGpuDevice extends Backend {
  readonly device: GPUDevice;
  readonly capabilities: DeviceCapabilities;
}

/** The WebGPU device behind a tensor device, or null for another kind. */
export function webGpuBackend({ backend }: Device): WebGpuDevice | null {
  return backend.kind === 'webgpu' ? (backend as WebGpuDevice) : null;
}
