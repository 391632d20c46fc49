import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/reference-backend.ts';
import { asParameter, backward } from '../core/autograd.ts';
import { Device } from '../core/device.ts';
import type { DType } from '../core/dtype.ts';
import { scope } from '../core/scope.ts';
import { init } from '../init.ts';
import { tensor } from './creation.ts';
import { affine } from './elementwise.ts';
import { linearCrossEntropy } from './linear-cross-entropy.ts';
import { cast } from './views.ts';

const reference = new Device(createReferenceBackend());
let webgpu: Device;
beforeAll(async () => {
  webgpu = await init({ device: 'webgpu' });
});
afterAll(() => webgpu.destroy());

const [N, C, V] = [6000, 8, 520];

/** Values that f16 holds. */
const values = (length: number, seed: number) =>
  Float32Array.from({ length }, (_, i) => Math.round(Math.sin(12.9898 * i + seed) * 256) / 256);

/** Gradients of x and weight, divided by the scale of the loss. */
async function gradients(device: Device, dtype: DType, lossScale: number, counted: number): Promise<Float64Array[]> {
  using _ = scope();
  const targets = Int32Array.from({ length: N }, (_x, i) => (i < counted ? (7 * i) % V : -100));
  const [x, weight] = [
    [N, C],
    [V, C],
  ].map((shape, seed) => asParameter(cast(tensor(values(shape[0] * shape[1], seed), { shape, device }), dtype)));
  const loss = linearCrossEntropy(x, weight, tensor(targets, { shape: [N], device }), { chunk: 1024 });
  backward(affine(loss, lossScale, 0));
  return Promise.all([x, weight].map(async ({ grad }) => Float64Array.from(await grad!.data(), (g) => g / lossScale)));
}

const norm = (numbers: Float64Array) => Math.hypot(...numbers);

describe('linearCrossEntropy in chunks of f16', () => {
  it.each([
    [1, N],
    [1024, N],
    [65536, N],
    [1024, 3],
  ])('has the gradients of f64 at a loss scale of %i, with %i rows that count [webgpu]', async (lossScale, counted) => {
    if (!webgpu.backend.supportsF16) return;
    const truth = await gradients(reference, 'f32', 1, counted);
    const own = await gradients(webgpu, 'f16', lossScale, counted);
    for (const [i, gradient] of truth.entries()) {
      const difference = gradient.map((g, n) => own[i][n] - g);
      // Gradients of x come out in f16: unscaled they are subnormal.
      const limit = lossScale === 1 ? 2e-2 : 2e-3;
      expect(norm(difference)).toBeLessThan(limit * norm(gradient));
    }
  });
});
