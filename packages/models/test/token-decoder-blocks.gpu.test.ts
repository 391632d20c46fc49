import { type Device, type DType, init, noGrad, tensor, tidy } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createDecoder,
  type Decoder,
  DecoderCache,
  type DecoderConfig,
  type DecoderConfigInput,
  defineDecoderConfig,
  hostParameters,
  openTokenDecoder,
} from '../src/index.ts';
import { distance } from './distance.ts';

/** Rows of whole subgroups of words: what the kernel asks for. */
const base: DecoderConfigInput = {
  nLayers: 3,
  nHeads: 8,
  nKvHeads: 2,
  headDim: 8,
  dModel: 32,
  dFf: 96,
  vocabSize: 23,
  seqLen: 32,
  normEps: 1e-5,
  ropeTheta: 100,
};

const configs: Record<string, Partial<DecoderConfig>> = {
  'residual, pre-norm, QK-norm by head, interleaved RoPE': { norm: 'pre', qkNorm: 'head', ropeInterleaved: true },
  'moda, pre-norm': { depth: 'moda', norm: 'pre' },
  'moda, post-norm, biases': { depth: 'moda', norm: 'post', bias: true },
  'moda, post-norm, newest 2 slots': { depth: 'moda', norm: 'post', depthSlots: 2 },
  'moda, reordered, attention projections, last block with projection, own output matrix': {
    ...{ depth: 'moda', norm: 'reordered', depthAttentionProjection: true, depthLastProjection: true },
    tieEmbeddings: false,
  },
  'moda, post-norm, attention slots only, newest slot': {
    ...{ depth: 'moda', norm: 'post', depthFfnProjection: false, depthSlots: 1 },
  },
  'moda, post-norm, raw keys without RoPE, no QK-norm': {
    ...{ depth: 'moda', norm: 'post', depthKeyNorm: 'none', depthRope: 'none', qkNorm: 'none' },
  },
};

const prompt = [3, 1, 4];
const more = [1, 5, 9, 2, 6, 5];

describe('token decoder, all blocks in one kernel [webgpu]', () => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'webgpu', residentWorkgroups: 2 });
  });
  afterAll(() => device.destroy());

  async function modelOf(variant: Partial<DecoderConfig>, dtype: DType = 'f32'): Promise<Decoder> {
    const model = createDecoder(defineDecoderConfig({ ...base, ...variant }), { seed: 3, device, dtype });
    const values = await hostParameters(model);
    for (const [n, { data }] of [...values.values()].entries())
      data.forEach((x, i) => (data[i] = 2 * x + 0.2 * Math.sin(3 * i + n)));
    model.loadParameters(values);
    return model;
  }

  async function logitsOf(model: Decoder, ids: number[]): Promise<number[]> {
    const all = tidy(() => noGrad(() => model.logits(model.forward(tensor([ids], { dtype: 'i32', device })))));
    const values = Array.from(await all.data());
    all.dispose();
    return values.slice(-model.config.vocabSize);
  }

  function prefilled(model: Decoder, capacity: number): DecoderCache {
    const cache = new DecoderCache(model.config, { B: 1, capacity, dtype: model.computeDtype, device });
    tidy(() => noGrad(() => void model.forward(tensor([prompt], { dtype: 'i32', device }), { cache })));
    return cache;
  }

  for (const [name, variant] of Object.entries(configs)) {
    it(`equals one full forward, token by token: ${name}`, { timeout: 400_000 }, async () => {
      using model = await modelOf(variant);
      using cache = prefilled(model, 9);
      using decoder = openTokenDecoder(model, cache)!;
      // The blocks, the output matrix, two kernels of the choice.
      expect(decoder.dispatches).toBe(4);
      const ids = [...prompt];
      for (const id of more) {
        ids.push(id);
        const logits = await decoder.logitsAfter(id);
        expect(distance(logits, await logitsOf(model, ids))).toBeLessThan(1e-5);
        expect(cache.length).toBe(ids.length);
      }
    });
  }

  it('halves', { timeout: 400_000 }, async () => {
    const variant = { ...configs['moda, post-norm, biases'], dModel: 64, nHeads: 8, headDim: 8, dFf: 128 };
    using half = await modelOf(variant, 'f16');
    using single = await modelOf(variant);
    single.loadParameters(await hostParameters(half));
    using cache = prefilled(half, 8);
    using decoder = openTokenDecoder(half, cache)!;
    expect(decoder.dispatches).toBe(4);
    using other = prefilled(half, 8);
    using five = openTokenDecoder(half, other, { oneKernel: false })!;
    const ids = [...prompt];
    for (const id of more.slice(0, 4)) {
      ids.push(id);
      const logits = await decoder.logitsAfter(id);
      const logits5 = await five.logitsAfter(id);
      const truth = await logitsOf(single, ids);
      console.log(
        distance(logits, truth),
        distance(logits5, truth),
        distance(await logitsOf(half, ids), truth),
        distance(logits, Array.from(logits5)),
      );
    }
  });
});
