import { KernelError, planDecodeArgmax } from '@modajs/kernels';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Device } from '../../core/device.ts';
import type { ArrayView } from '../backend.ts';
import { createWebGpuBackend, type WebGpuBackend } from './create-webgpu-backend.ts';
import { kernelSpans } from './kernel-spans.ts';

const V = 300;
const STEPS = 4;

describe('prepared sequence [webgpu]', () => {
  let backend: WebGpuBackend;
  beforeAll(async () => {
    backend = await createWebGpuBackend({ profile: true });
  });
  afterAll(() => backend.destroy());

  function view(length: number, dtype: 'f32' | 'i32' | 'u32'): ArrayView {
    return { storage: backend.allocate(length, dtype), dtype, shape: [length], strides: [1], offset: 0 };
  }

  function operands(): { logits: ArrayView; state: ArrayView; results: ArrayView } {
    return { logits: view(V, 'f32'), state: view(4, 'i32'), results: view(2 * STEPS, 'u32') };
  }

  const plan = planDecodeArgmax({ V, results: STEPS });

  it('repeats its dispatches on the same memory, in order with uploads and other work', async () => {
    const { logits, state, results } = operands();
    using sequence = backend.kernels.prepare([{ plan, operands: { logits, state, results } }]);
    expect(sequence.length).toBe(plan.passes.length);
    backend.upload(state.storage, 0, Int32Array.of(7, 0, 0, 0));
    for (const best of [250, 3]) {
      backend.fill(logits, 0);
      backend.upload(logits.storage, best, Float32Array.of(2));
      sequence.replay();
    }
    sequence.replay();
    expect(Array.from(await backend.download(state.storage, 0, 4))).toEqual([10, 3, 3, 0]);
    const chosen = await backend.download(results.storage, 0, 2 * STEPS);
    expect([chosen[0], chosen[2], chosen[4]]).toEqual([250, 3, 3]);
  });

  it('gives its memory back', () => {
    const named = operands();
    const before = backend.memory().liveBytes;
    const sequence = backend.kernels.prepare([{ plan, operands: named }]);
    expect(backend.memory().liveBytes).toBeGreaterThan(before);
    sequence.replay();
    sequence.dispose();
    expect(backend.memory().liveBytes).toBe(before);
  });

  it('appears in profiles under its kernels', async () => {
    const device = new Device(backend);
    const before = (await kernelSpans(device)).length;
    using sequence = backend.kernels.prepare([{ plan, operands: operands() }]);
    sequence.replay();
    const labels = (await kernelSpans(device)).slice(before).map(({ label }) => label);
    expect(labels).toEqual(plan.passes.map(({ label }) => label));
  });

  it('refuses a plan whose operands are not all there', () => {
    const { logits, state } = operands();
    expect(() => backend.kernels.prepare([{ plan, operands: { logits, state } }])).toThrow(KernelError);
  });
});
