import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crossEntropy, type Device, full, init, linear, linearCrossEntropy, randomNormal, tensor } from '../index.ts';

describe.each(['cpu', 'reference'] as const)('linearCrossEntropy [%s]', (name) => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: name, threads: 1 });
  });
  afterAll(() => device.destroy());

  it.each([undefined, 64, 2])(
    'tells its parts apart: the mean cross-entropy and the mean z-loss [chunk=%s]',
    async (chunk) => {
      const [N, C, V] = [7, 5, 11];
      const x = randomNormal([N, C], { seed: 1, device });
      const weight = randomNormal([V, C], { seed: 2, device });
      const targets = tensor(Int32Array.of(3, 10, -100, 0, -100, 7, 7), { dtype: 'i32', device });
      const parts = full([2], 5, { device });
      const total = await linearCrossEntropy(x, weight, targets, { zLoss: 0.3, chunk, parts }).item();
      const logits = linear(x, weight);
      const plain = await crossEntropy(logits, targets).item();
      const both = await crossEntropy(logits, targets, { zLoss: 0.3 }).item();
      const [first, second] = await parts.data();
      expect(first).toBeCloseTo(plain, 5);
      expect(second).toBeCloseTo(both - plain, 5);
      expect(total).toBeCloseTo(both, 5);
    },
  );
});
