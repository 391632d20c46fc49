import { type AttentionProbe, attentionMap, attentionStatistics } from '@modajs/moda';
import {
  backward,
  cast,
  type Device,
  type DType,
  DTypeError,
  init,
  noGrad,
  softmax,
  type Tensor,
  tensor,
  tidy,
  withoutScope,
} from '@modajs/tensor';
import { partNotRun } from '@modajs/vitest/part-not-run';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createDecoder,
  type Decoder,
  DecoderCache,
  type DecoderConfig,
  hasAttentionMaps,
  visibleChunk,
} from '../src/index.ts';
import { smallConfigs } from './small-configs.ts';

const [B, T] = [2, 9];
const ids = Array.from({ length: B }, (_, b) => Array.from({ length: T }, (_, t) => (t * 7 + 3 * b) % 19));

/** Statistics of every layer and, where there are any, maps, in one list; of a model without either its probabilities. */
async function observed(model: Decoder, forward: (onAttention?: Observer) => Tensor): Promise<number[]> {
  const found: Tensor[] = [];
  if (!hasAttentionMaps(model.config)) {
    const probabilities = noGrad(() => tidy(() => softmax(cast(model.logits(forward()), 'f32'))));
    return Array.from(await probabilities.data());
  }
  const onAttention = (_: number, probe: AttentionProbe): void =>
    withoutScope(() => {
      found.push(...Object.values(attentionStatistics(probe)));
      if (visibleChunk(model.config) > 1) return;
      const { sequence, depth } = attentionMap(probe);
      found.push(sequence, ...(depth ? [depth] : []));
    });
  noGrad(() => forward(onAttention)).dispose();
  const values: number[] = [];
  for (const x of found) {
    expect(x.dtype).toBe('f32');
    values.push(...(await x.data()));
    x.dispose();
  }
  return values;
}

type Observer = (layer: number, probe: AttentionProbe) => void;

interface Numbers {
  readonly loss: number;
  /** Of a whole forward pass. */
  readonly whole: number[];
  /** Of the passes that decode token by token. */
  readonly decoded: number[];
}

/** Trains on, looks into and decodes with a model that computes in a dtype. */
async function numbersOf(config: DecoderConfig, computeDtype: DType, device: Device): Promise<Numbers> {
  using model = createDecoder(config, { device, computeDtype, seed: 3 });
  const place = { dtype: 'i32', device } as const;
  const x = tensor(ids, place);
  const loss = model.loss(x, x);
  backward(loss);
  for (const [name, { grad }] of Object.entries(model.parameters()))
    expect((await grad?.data())?.every(Number.isFinite) ?? true, name).toBe(true);
  const whole = await observed(model, (onAttention) => model.forward(x, { onAttention }));
  using cache = new DecoderCache(config, { B, capacity: T, dtype: computeDtype, device });
  const decoded: number[] = [];
  for (let t = 0; t < T; t++) {
    const token = tensor(
      ids.map((row) => [row[t]]),
      place,
    );
    decoded.push(...(await observed(model, (onAttention) => model.forward(token, { cache, onAttention }))));
  }
  return { loss: await loss.item(), whole, decoded };
}

const distance = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...b.map((value, i) => Math.abs(a[i] - value)));

describe('decoder in f16 [webgpu]', () => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'webgpu' });
  });
  afterAll(() => device.destroy());

  for (const [title, config] of Object.entries(smallConfigs)) {
    it(`trains, decodes and shows its attention as in f32, within what f16 operands round: ${title}`, {
      timeout: 400_000,
    }, async () => {
      if (!device.supportsF16) {
        await expect(numbersOf(config, 'f16', device)).rejects.toThrow(DTypeError);
        partNotRun('f16');
        return;
      }
      const f32 = await numbersOf(config, 'f32', device);
      const f16 = await numbersOf(config, 'f16', device);
      expect(Math.abs(f16.loss - f32.loss)).toBeLessThan(1e-3);
      for (const part of ['whole', 'decoded'] as const) {
        expect(f16[part]).toHaveLength(f32[part].length);
        // Activations rounded to f16 (2^-11 of their size) move shares and entropies by up to 1.2e-3 in these models.
        expect(distance(f16[part], f32[part])).toBeLessThan(2.5e-3);
      }
    });
  }
});
