import { describe, expect, it } from 'vitest';
import { DeviceError } from '../../core/errors.ts';
import { requestDevice } from './request-device.ts';

const GONE = 'A valid external Instance reference no longer exists.';

/** A WebGPU whose first adapters open no device. */
function gpuThatLoses(
  adapters: number,
  features = ['subgroups', 'chromium-experimental-subgroup-matrix'],
): { gpu: GPU; asked: () => number } {
  let asked = 0;
  const requestAdapter = async (): Promise<unknown> => {
    const isGone = ++asked <= adapters;
    return {
      info: { description: `adapter ${asked}`, device: '' },
      limits: { maxBufferSize: 1024 },
      features: new Set(features),
      requestDevice: async (request: GPUDeviceDescriptor) => {
        if (isGone) throw new DOMException(GONE, 'OperationError');
        return request;
      },
    };
  };
  return { gpu: { requestAdapter } as unknown as GPU, asked: () => asked };
}

describe('requestDevice', () => {
  it('asks for a new adapter once when the GPU process was gone between adapter and device', async () => {
    const { gpu, asked } = gpuThatLoses(1);
    const { device, description } = await requestDevice({ gpu, allowSoftware: true });
    const requiredFeatures = ['subgroups', 'chromium-experimental-subgroup-matrix'];
    expect(device).toEqual({ requiredFeatures, requiredLimits: { maxBufferSize: 1024 } });
    expect(description).toBe('adapter 2');
    expect(asked()).toBe(2);
  });

  it('does not ask for a feature that is to be left off, nor for one that the adapter lacks', async () => {
    const { gpu } = gpuThatLoses(0);
    const features = { f16: true, subgroups: true, subgroupMatrix: false };
    const { device } = await requestDevice({ gpu, allowSoftware: true, features });
    expect(device).toMatchObject({ requiredFeatures: ['subgroups'] });
  });

  it('asks for subgroup matrices by the name of the standard where the adapter has both', async () => {
    const { gpu } = gpuThatLoses(0, ['chromium-experimental-subgroup-matrix', 'subgroup-matrix']);
    const { device } = await requestDevice({ gpu, allowSoftware: true });
    expect(device).toMatchObject({ requiredFeatures: ['subgroup-matrix'] });
  });

  it('gives up after the second adapter, with the reason', async () => {
    const { gpu, asked } = gpuThatLoses(9);
    const opening = requestDevice({ gpu, allowSoftware: true });
    await expect(opening).rejects.toThrow(DeviceError);
    await expect(opening).rejects.toThrow(`webgpu: adapter 2 must open a device, got twice: ${GONE}`);
    expect(asked()).toBe(2);
  });
});
