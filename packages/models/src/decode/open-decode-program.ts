import type { Device } from '@modajs/tensor';
import { webGpuKernels } from '@modajs/tensor/extend';
import { kernelsOnWebGpu } from '../kernels-on-webgpu.ts';
import type { DecodeProgram } from './decode-program.ts';

/** An empty program on a WebGPU device; null on others, which have no dispatches to save. */
export function openDecodeProgram(device: Device): DecodeProgram | null {
  const kernels = webGpuKernels(device);
  const loaded = kernels && kernelsOnWebGpu();
  return loaded && new loaded.DecodeProgram(kernels);
}
