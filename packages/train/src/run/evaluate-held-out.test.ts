import { createDecoder, defineDecoderConfig } from '@modajs/models';
import { asParameter, cast, type Device, init, mul, reshape, sum, type Tensor, tensor } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluateDomains, lossesBySource } from './evaluate-domains.ts';
import { evaluateHeldOut } from './evaluate-held-out.ts';
import type { TrainableModel } from './trainable-model.ts';

/** A model whose loss is the mean of the targets that count: what is averaged tells what was scored. */
function targetMeanModel(seen: number[][]): TrainableModel {
  const one = asParameter(tensor([1]));
  return {
    parameters: () => ({ one }),
    loss: (ids, targets): Tensor => {
      const host = (targets.view.storage as unknown as { data: ArrayLike<number> }).data;
      const all = Array.from({ length: targets.size }, (_, i) => Number(host[i]));
      const counted = all.filter((target) => target !== -100);
      seen.push(counted);
      expect(ids.shape).toEqual(targets.shape);
      const mean = counted.reduce((total, value) => total + value, 0) / counted.length;
      return sum(mul(reshape(cast(tensor([1]), 'f32'), [1]), mean));
    },
  };
}

describe('evaluateHeldOut [reference]', () => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'reference' });
  });
  afterAll(() => device.destroy());
  const text = (length: number) => ({
    name: 'x',
    tokens: Int32Array.from({ length }, (_, i) => i),
    bytes: 2 * (length - 1),
  });

  it.each([
    [2, 5, 5],
    [6, 5, 5],
    [7, 5, 5],
    [24, 5, 2],
    [24, 5, 3],
    [31, 7, 1],
  ])('predicts each of %d tokens once [T=%d stride=%d]', async (length, T, stride) => {
    const seen: number[][] = [];
    const options = { T, stride, B: 3, maxTokens: Infinity };
    const result = await evaluateHeldOut(targetMeanModel(seen), text(length), options);
    expect(seen.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: length - 1 }, (_, i) => i + 1));
    expect(result.tokens).toBe(length - 1);
    expect(result.loss).toBeCloseTo(length / 2, 4);
    expect(result.bitsPerByte).toBeCloseTo(length / 4 / Math.LN2, 4);
  });

  it('spreads a limited evaluation over the text', async () => {
    const seen: number[][] = [];
    const options = { T: 4, stride: 4, B: 2, maxTokens: 12 };
    const { tokens } = await evaluateHeldOut(targetMeanModel(seen), text(101), options);
    expect(tokens).toBe(12);
    expect(Math.max(...seen.flat())).toBeGreaterThan(66);
  });

  it('sees packed documents as training does: each as if it were alone', async () => {
    const config = defineDecoderConfig({ nLayers: 2, nHeads: 2, dModel: 16, vocabSize: 19, seqLen: 32, depth: 'moda' });
    const model = createDecoder(config, { device, seed: 5 });
    const documents = [7, 3, 11, 1].map((length, d) => Array.from({ length }, (_, i) => 1 + ((i * 5 + d * 3) % 18)));
    const evaluate = (tokens: readonly number[], separator: number | null) =>
      evaluateHeldOut(
        model,
        { name: 'x', tokens: Int32Array.from(tokens), bytes: tokens.length },
        { T: 32, stride: 32, B: 2, maxTokens: Infinity, separator },
      );
    let nats = 0;
    let tokens = 0;
    // A document ends with its separator, which predicts the first token of the next.
    const rows = documents.map((document, i) => [...document, 0, ...(documents[i + 1]?.slice(0, 1) ?? [])]);
    for (const alone of [[0, documents[0][0]], ...rows]) {
      const result = await evaluate(alone, null);
      nats += result.loss * result.tokens;
      tokens += result.tokens;
    }
    const joined = documents.flatMap((document) => [0, ...document]);
    const packed = await evaluate([...joined, 0], 0);
    expect(packed.tokens).toBe(tokens);
    expect(packed.loss).toBeCloseTo(nats / tokens, 8);
    expect(Math.abs((await evaluate([...joined, 0], null)).loss - packed.loss)).toBeGreaterThan(1e-4);
    model.dispose();
  });

  it('gives the totals of a limited evaluation the weights of the whole texts, and each source a loss', async () => {
    const options = { T: 4, stride: 4, B: 2, maxTokens: 4 };
    const numbers = await evaluateDomains(targetMeanModel([]), [text(5), { ...text(101), name: 'y' }], options);
    const losses = [numbers['heldOutLoss/x'], numbers['heldOutLoss/y']];
    expect(losses).toEqual([2.5, 2.5]);
    expect(numbers.heldOutLoss).toBeCloseTo((4 * losses[0] + 100 * losses[1]) / 104, 6);
    expect(numbers.heldOutBitsPerByte).toBeCloseTo((4 * losses[0] + 100 * losses[1]) / Math.LN2 / 208, 6);
    expect(lossesBySource(numbers)).toEqual([
      { source: 'x', loss: losses[0], bitsPerByte: numbers['heldOutBitsPerByte/x'] },
      { source: 'y', loss: losses[1], bitsPerByte: numbers['heldOutBitsPerByte/y'] },
    ]);
  });

  it('refuses two texts of one name', async () => {
    const options = { T: 4, stride: 4, B: 2, maxTokens: 4 };
    await expect(evaluateDomains(targetMeanModel([]), [text(5), text(6)], options)).rejects.toThrow('got "x" twice');
  });

  it('weighs domains by their tokens', async () => {
    const numbers = await evaluateDomains(targetMeanModel([]), [text(5), { ...text(11), name: 'y' }], {
      T: 4,
      stride: 4,
      B: 2,
      maxTokens: Infinity,
    });
    expect(numbers.heldOutLoss).toBeCloseTo((1 + 2 + 3 + 4 + 55) / 14, 4);
    expect(numbers.heldOutBitsPerByte).toBeCloseTo(65 / Math.LN2 / 28, 4);
    expect(numbers['heldOutPerplexity/x']).toBeCloseTo(Math.exp(2.5), 3);
  });
});
