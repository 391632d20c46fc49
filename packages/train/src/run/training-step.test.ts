import { createDecoder, defineDecoderConfig } from '@modajs/models';
import { type Device, init, type Tensor } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HostBatch, IGNORED_TARGET } from '../data/batch.ts';
import { accumulateGradients, releaseGradients } from './training-step.ts';

const [V, T, B] = [17, 7, 6];
/** Counted targets of each row: the halves have 4 and 21, the thirds 0, 11 and 14. */
const COUNTED = [0, 0, 4, 7, 7, 7];

/** A batch of `B` rows of which the first targets of each row are ignored. */
function unevenBatch(): HostBatch {
  const ids = Int32Array.from({ length: B * T }, (_, i) => (i * 5 + (i % 3)) % V);
  const targets = Int32Array.from(ids, (id, i) =>
    i % T < T - COUNTED[Math.floor(i / T)] ? IGNORED_TARGET : (id * 3 + 1) % V,
  );
  return { B, T, ids, targets, docRange: null, next: { drawn: 0, bySource: [] } };
}

describe('accumulateGradients [reference]', () => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'reference' });
  });
  afterAll(() => device.destroy());

  it.each([2, 3, 6])(
    'is the mean over all counted targets in %d uneven parts, one of them without any',
    async (parts) => {
      const config = defineDecoderConfig({ nLayers: 1, nHeads: 1, dModel: 8, vocabSize: V, seqLen: T });
      const model = createDecoder(config, { device, seed: 3 });
      const compute = async (gradientAccumulation: number) => {
        const options = { gradientAccumulation, activationCheckpointing: false, zLoss: 0.01, clipNorm: 1 };
        const loss = accumulateGradients(model, unevenBatch(), options, 3);
        const gradients = await Promise.all(
          Object.values(model.parameters()).map(async ({ grad }) => Array.from(await (grad as Tensor).data())),
        );
        releaseGradients(model.parameters());
        const value = await loss.item();
        loss.dispose();
        return { value, gradients: gradients.flat() };
      };
      const whole = await compute(1);
      const split = await compute(parts);
      expect(split.value).toBeCloseTo(whole.value, 10);
      const largest = Math.max(...whole.gradients.map(Math.abs));
      for (const [i, gradient] of whole.gradients.entries()) {
        expect(Math.abs(split.gradients[i] - gradient)).toBeLessThan(1e-10 * largest);
      }
      model.dispose();
    },
  );
});
