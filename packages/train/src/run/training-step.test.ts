import { createDecoder, defineDecoderConfig } from '@modajs/models';
import { type Device, init, type Tensor } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveRunConfig } from '../config/run-config.ts';
import { type HostBatch, IGNORED_TARGET } from '../data/batch.ts';
import { createOptimizer } from '../optim/create-optimizer.ts';
import { accumulateGradients, releaseGradients, trainingStep } from './training-step.ts';

const [V, T, B] = [17, 7, 6];
/** Counted targets of each row: the halves have 4 and 21, the thirds 0, 11 and 14. */
const UNEVEN = [0, 0, 4, 7, 7, 7];
const EVEN = [3, 3, 3, 3, 3, 3];

/** A batch of `B` rows of which all but so many last targets of each row are ignored. */
function batchOf(counted: readonly number[]): HostBatch {
  const ids = Int32Array.from({ length: B * T }, (_, i) => (i * 5 + (i % 3)) % V);
  const targets = Int32Array.from(ids, (id, i) =>
    i % T < T - counted[Math.floor(i / T)] ? IGNORED_TARGET : (id * 3 + 1) % V,
  );
  return { B, T, ids, targets, docRange: null, next: { drawn: 0, bySource: [] } };
}

describe('accumulateGradients [reference]', () => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'reference' });
  });
  afterAll(() => device.destroy());

  it.each([
    [2, 'uneven', UNEVEN],
    [3, 'uneven', UNEVEN],
    [6, 'uneven', UNEVEN],
    [2, 'even', EVEN],
  ] as const)('is the mean over all counted targets in %d %s parts, as in one', async (parts, _name, counted) => {
    const config = defineDecoderConfig({ nLayers: 1, nHeads: 1, dModel: 8, vocabSize: V, seqLen: T });
    const model = createDecoder(config, { device, seed: 3 });
    const compute = async (gradientAccumulation: number) => {
      const options = { gradientAccumulation, activationCheckpointing: false, zLoss: 0.01, clipNorm: 1 };
      const loss = accumulateGradients(model, batchOf(counted), options, 3);
      const gradients = await Promise.all(
        Object.values(model.parameters()).map(async ({ grad }) => Array.from(await (grad as Tensor).data())),
      );
      releaseGradients(model.parameters());
      const [value, zLoss] = await loss.data();
      loss.dispose();
      return { value, zLoss, gradients: gradients.flat() };
    };
    const whole = await compute(1);
    const split = await compute(parts);
    expect(split.value).toBeCloseTo(whole.value, 10);
    expect(split.zLoss).toBeCloseTo(whole.zLoss, 10);
    const largest = Math.max(...whole.gradients.map(Math.abs));
    for (const [i, gradient] of whole.gradients.entries()) {
      expect(Math.abs(split.gradients[i] - gradient)).toBeLessThan(1e-10 * largest);
    }
    model.dispose();
  });
});

describe.each(['cpu', 'reference'] as const)('trainingStep with a z-loss [%s]', (name) => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: name, threads: 1 });
  });
  afterAll(() => device.destroy());

  /** Numbers of a first step, of a model that tells the parts of its loss or of one that does not. */
  async function firstStep(
    zLoss: number,
    tells: boolean,
    controls = { lrRatio: 1, lossScale: 1, lossLimit: Infinity },
  ) {
    const config = defineDecoderConfig({ nLayers: 1, nHeads: 1, dModel: 8, vocabSize: V, seqLen: T });
    const model = createDecoder(config, { device, seed: 3 });
    if (!tells) Object.defineProperty(model, 'tellsLossParts', { value: false });
    const optimizer = createOptimizer(model.parameters(), resolveRunConfig({}).optimizer);
    const options = { gradientAccumulation: 2, activationCheckpointing: false, zLoss, clipNorm: 1 };
    const before = await Promise.all(Object.values(model.parameters()).map((weights) => weights.data()));
    const numbers = await trainingStep(model, optimizer, batchOf(UNEVEN), options, controls);
    const after = await Promise.all(Object.values(model.parameters()).map((weights) => weights.data()));
    optimizer.dispose();
    model.dispose();
    return { ...numbers, isUpdated: JSON.stringify(after) !== JSON.stringify(before) };
  }

  it('divides the loss scale out of the gradient before its norm', async () => {
    const normAt = async (lossScale: number): Promise<number> =>
      (await firstStep(0, true, { lrRatio: 1, lossScale, lossLimit: Infinity })).gradientNorm;
    const plain = await normAt(1);
    expect(Math.abs((await normAt(256)) / plain - 1)).toBeLessThan(1e-5);
  });

  it('reports the cross-entropy and the z-loss apart', async () => {
    const plain = await firstStep(0, true);
    const told = await firstStep(0.1, true);
    const computed = await firstStep(0.1, false);
    expect(plain.zLoss).toBeUndefined();
    expect(told.loss).toBeCloseTo(plain.loss, 5);
    // Fresh logits are small: lse^2 is near ln(V)^2.
    expect(told.zLoss).toBeGreaterThan(0.09 * Math.log(V) ** 2);
    expect(told.zLoss).toBeLessThan(0.11 * Math.log(V) ** 2);
    expect(computed.loss).toBeCloseTo(told.loss, 5);
    expect(computed.zLoss).toBeCloseTo(told.zLoss as number, 5);
    expect(computed.gradientNorm).toBeCloseTo(told.gradientNorm, 5);
    expect(told.gradientNorm).not.toBeCloseTo(plain.gradientNorm, 2);
  });

  it('compares the cross-entropy alone with the limit of a spike', async () => {
    const { loss, zLoss } = await firstStep(0.1, true);
    const limited = (lossLimit: number) => firstStep(0.1, true, { lrRatio: 1, lossScale: 1, lossLimit });
    expect((await limited(loss + (zLoss as number) / 2)).isUpdated).toBe(true);
    expect((await limited(loss * 0.99)).isUpdated).toBe(false);
  });
});
