import { f16Fragments } from '@modajs/kernels';
import type { Device } from '@modajs/tensor';
import { webGpuBackend } from '../webgpu/webgpu-backend.ts';

/** What presets need to know of a device. Plain data: presets can be made for devices nobody has at hand. */
export interface DeviceTraits {
  readonly kind: 'webgpu' | 'cpu';
  readonly f16: boolean;
  /** f16 subgroup matrices with f32 sums. */
  readonly subgroupMatrix: boolean;
  /** Shaders run on the processor. */
  readonly isSoftware: boolean;
  readonly maxBufferBytes: number;
  readonly maxBindingBytes: number;
  /** FLOP/s that a run may be expected to reach at least, to keep `fit` rows short. */
  readonly assumedFlops: number;
}

const SOFTWARE = /llvmpipe|lavapipe|swiftshader/i;

/** Traits of an open device. */
export function deviceTraits(device: Device): DeviceTraits {
  const backend = webGpuBackend(device);
  if (backend === null) {
    const limits = { maxBufferBytes: 2 ** 31, maxBindingBytes: 2 ** 31 };
    return { kind: 'cpu', f16: false, subgroupMatrix: false, isSoftware: false, ...limits, assumedFlops: 2e10 };
  }
  const { capabilities } = backend;
  const isSoftware = SOFTWARE.test(`${device.description} ${capabilities.architecture}`);
  const subgroupMatrix = f16Fragments(capabilities).length > 0;
  return {
    kind: 'webgpu',
    f16: capabilities.f16,
    subgroupMatrix,
    isSoftware,
    maxBufferBytes: capabilities.maxBufferBytes,
    maxBindingBytes: capabilities.maxBindingBytes,
    assumedFlops: isSoftware ? 1e9 : subgroupMatrix ? 2e13 : 5e11,
  };
}
