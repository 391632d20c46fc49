import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/reference-backend.ts';
import { asParameter, backward } from '../core/autograd.ts';
import { Device } from '../core/device.ts';
import type { DType } from '../core/dtype.ts';
import { scope } from '../core/scope.ts';
import { init } from '../init.ts';
import { tensor } from './creation.ts';
import { linearCrossEntropy } from './linear-cross-entropy.ts';
import { affine } from './unary.ts';
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
async function gradients(
  device: Device,
  dtype: DType,
  { lossScale, counted, weights }: { readonly lossScale: number; readonly counted: number; readonly weights: number },
): Promise<Float64Array[]> {
  using _ = scope();
  const targets = Int32Array.from({ length: N }, (_x, i) => (i < counted ? (7 * i) % V : -100));
  const [x, weight] = [
    { shape: [N, C], largest: 1 },
    { shape: [V, C], largest: weights },
  ].map(({ shape, largest }, seed) => {
    const data = values(shape[0] * shape[1], seed).map((value) => largest * value);
    return asParameter(cast(tensor(data, { shape, device }), dtype));
  });
  const loss = linearCrossEntropy(x, weight, tensor(targets, { shape: [N], device }), { chunk: 1024 });
  backward(affine(loss, lossScale, 0));
  return Promise.all([x, weight].map(async ({ grad }) => Float64Array.from(await grad!.data(), (g) => g / lossScale)));
}

describe('linearCrossEntropy of a vocabulary that is padded [V=5]', () => {
  /** Loss of three rows, and the gradient of x. */
  async function lossAndGradient(device: Device, targets: readonly number[], ignoreIndex: number): Promise<number[]> {
    using _ = scope();
    const x = asParameter(tensor(values(12, 1), { shape: [3, 4], device }));
    const weight = tensor(values(20, 2), { shape: [5, 4], device });
    const loss = linearCrossEntropy(x, weight, tensor(targets, { dtype: 'i32', device }), { ignoreIndex });
    backward(loss);
    return [await loss.item(), ...(await x.grad!.data())];
  }

  it.each([
    [[0, 5, 4], -100],
    [[0, 7, 4], -100],
    [[0, 8, 4], -100],
    [[0, -1, 4], -100],
    [[0, 5, 4], 5],
    [[0, 6, 5], 5],
    [[0, 8, 4], 8],
    [[0, 6, 8], 8],
    [[0, 2 ** 31 - 1, 4], -100],
  ])(
    'is as on reference for targets %j, ignored %i: NaN where there is no such class [webgpu]',
    async (targets, ignored) => {
      const [loss, ...gradient] = await lossAndGradient(webgpu, targets, ignored);
      const [expected, ...truth] = await lossAndGradient(reference, targets, ignored);
      const isRefused = targets.some((target) => target !== ignored && !(target >= 0 && target < 5));
      expect(Number.isNaN(expected)).toBe(isRefused);
      if (isRefused) expect(loss).toBeNaN();
      else {
        expect(loss).toBeCloseTo(expected, 5);
        gradient.forEach((value, i) => void expect(value).toBeCloseTo(truth[i], 5));
      }
    },
  );
});

const norm = (numbers: Float64Array) => Math.hypot(...numbers);

describe('linearCrossEntropy in chunks of f16', () => {
  it.each([
    [1, N, 1],
    [1024, N, 1],
    [65536, N, 1],
    [1024, 3, 1],
    // Gradients of a row as large as f16 allows, whatever the number of rows.
    [1, 3, 4],
    [0.01, 3, 1],
  ])(
    'has the gradients of f64 at a loss scale of %f, with %i rows that count, of weights up to %i [webgpu f16]',
    async (lossScale, counted, weights) => {
      const truth = await gradients(reference, 'f32', { lossScale: 1, counted, weights });
      const own = await gradients(webgpu, 'f16', { lossScale, counted, weights });
      for (const [i, gradient] of truth.entries()) {
        const difference = gradient.map((g, n) => own[i][n] - g);
        // Gradients of x come out in f16: of a mean over all rows, unscaled, they are subnormal.
        const limit = lossScale === 1 && counted === N ? 2e-2 : 3e-3;
        expect(norm(difference)).toBeLessThan(limit * norm(gradient));
      }
    },
  );
});
