import { type Device, isDevice } from '../../core/device.ts';
import type { Backend } from '../backend.ts';
import type { KernelSpan } from './kernel-times.ts';
import type { WebGpuParts } from './webgpu-kernels.ts';

/** Whether a backend is the WebGPU one, with what only that has. */
export function isWebGpu(backend: Backend): backend is Backend & WebGpuParts {
  return backend.kind === 'webgpu';
}

/**
 * Every kernel that a device opened with `init({ profile: true })` ran, in order, with its time. Submits and waits.
 * Empty on other devices and without timestamps. `kernelTimes` makes a table of it, `chromeTrace` a file for Perfetto.
 */
export async function kernelSpans(device: Device): Promise<readonly KernelSpan[]> {
  isDevice('kernelSpans', 'device', device);
  device.requireOpen('kernelSpans');
  const { backend } = device;
  return isWebGpu(backend) ? backend.profile() : [];
}
