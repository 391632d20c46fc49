import { describe, expect, it } from 'vitest';
import { DeviceError } from '../core/errors.ts';
import { normRopeKernels, softmaxKernels } from './families.ts';
import { createReferenceBackend } from './reference/reference-backend.ts';

describe('kernel families', () => {
  it('gives a device with the primitives as it is', () => {
    const backend = createReferenceBackend();
    expect(softmaxKernels.on(backend)).toBe(backend);
    expect(normRopeKernels.on(backend)).toBe(backend);
  });

  it('refuses a device without them, and names the cure', () => {
    const { softmax: _, ...without } = { ...createReferenceBackend(), softmax: undefined };
    const call = () => softmaxKernels.on(without as unknown as ReturnType<typeof createReferenceBackend>);
    expect(call).toThrow(DeviceError);
    expect(call).toThrow(/^softmax: the device must have been opened with its kernels, .*before init\(\)\.$/);
  });
});
