import { type Device, DeviceError, type DType, init } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Decoder,
  type DecoderConfigInput,
  defineDecoderConfig,
  openTokenDecoder,
  type TokenDecoderOptions,
} from '../src/index.ts';
import { hostParameters } from '../src/io/host-parameters.ts';
import { lastLogits, loudModel, prefilled } from './decoding.ts';
import { distance } from './distance.ts';

/** Rows of whole subgroups of words: what the kernel asks for. */
const base: DecoderConfigInput = {
  nLayers: 3,
  nHeads: 8,
  nKvHeads: 2,
  headDim: 8,
  dModel: 32,
  dFf: 64,
  vocabSize: 23,
  seqLen: 128,
  normEps: 1e-5,
  ropeTheta: 100,
};

/** Few combinations hold every option: a software adapter takes 20 s for each of these shaders. Splits of 3 keys: heads are merged. */
const configs: Record<string, readonly [Partial<DecoderConfigInput>, TokenDecoderOptions?]> = {
  'residual, pre-norm, QK-norm by head, interleaved RoPE': [{ norm: 'pre', qkNorm: 'head', ropeInterleaved: true }],
  'moda, post-norm, newest 2 slots, biases, splits of 3 keys': [
    { depth: { kind: 'moda', slots: 2 }, norm: 'post', bias: true },
    { oneKernel: { keysASplit: 3 } },
  ],
  'moda, reordered, attention projections, raw keys without RoPE, no QK-norm, own output matrix': [
    {
      depth: {
        kind: 'moda',
        attentionProjection: true,
        lastProjection: true,
        keyNorm: 'none',
        rope: 'none',
      },
      norm: 'reordered',
      qkNorm: 'none',
      tieEmbeddings: false,
    },
  ],
};

/** Numbers travel with one bit less than f32 has: twice the error of the full pass, and what a well-conditioned model shows of that bit. */
const FLOOR = 1e-5;
/** The same between two passes of the device, for a model whose rounding errors stay small. */
const TOLERANCE = 3e-5;

const prompt = [3, 1, 4];
const more = [1, 5, 9, 2, 6, 5];

describe('token decoder, all blocks in one kernel [webgpu fourteenStorageBuffers]', () => {
  let device: Device;
  let exact: Device;
  beforeAll(async () => {
    exact = await init({ device: 'reference' });
    device = await init({ device: 'webgpu', residentWorkgroups: 2 });
  });
  afterAll(() => {
    device.destroy();
    exact.destroy();
  });

  const modelOf = (variant: Partial<DecoderConfigInput>, dtype?: DType): Promise<Decoder> =>
    loudModel(defineDecoderConfig({ ...base, ...variant }), device, dtype);

  for (const [name, [variant, options]] of Object.entries(configs)) {
    it(`equals one full forward, token by token: ${name}`, { timeout: 400_000 }, async () => {
      using model = await modelOf(variant);
      using reference = await loudModel(defineDecoderConfig({ ...base, ...variant }), exact);
      reference.loadParameters(await hostParameters(model));
      using cache = prefilled(model, prompt, 150);
      using decoder = openTokenDecoder(model, cache, options)!;
      // The blocks, the output matrix, two kernels of the choice.
      expect(decoder.dispatches).toBe(4);
      const ids = [...prompt];
      for (const id of more) {
        ids.push(id);
        const logits = await decoder.logitsAfter(id);
        const expected = await lastLogits(reference, ids);
        const fullError = distance(await lastLogits(model, ids), expected);
        expect(distance(logits, expected)).toBeLessThan(2 * fullError + FLOOR);
        expect(cache.length).toBe(ids.length);
      }
    });
  }

  it('reads a long cache in several turns and splits', { timeout: 400_000 }, async () => {
    using model = await modelOf({ norm: 'pre', qkNorm: 'head', ropeInterleaved: true });
    const ids = Array.from({ length: 75 }, (_, i) => (i * 7) % 23);
    using cache = prefilled(model, ids, 150);
    using decoder = openTokenDecoder(model, cache)!;
    expect(decoder.dispatches).toBe(4);
    for (const id of more.slice(0, 3)) {
      ids.push(id);
      expect(distance(await decoder.logitsAfter(id), await lastLogits(model, ids))).toBeLessThan(TOLERANCE);
    }
  });

  it('equals five kernels a block in f16, in any order of both [f16]', { timeout: 400_000 }, async () => {
    using model = await modelOf({ depth: 'moda', norm: 'post', dModel: 64, dFf: 128 }, 'f16');
    using cache = prefilled(model, prompt, 12);
    using decoder = openTokenDecoder(model, cache)!;
    using other = prefilled(model, prompt, 12);
    using reference = openTokenDecoder(model, other, { oneKernel: false })!;
    expect(decoder.dispatches).toBe(4);
    expect(reference.dispatches).toBe(5 * 3 + 4);
    // What ran before leaves nothing in the exchange that a later token could mistake for its own.
    for (const id of [...more, ...more.slice(3)]) {
      const logits = await decoder.logitsAfter(id);
      expect(distance(logits, await reference.logitsAfter(id))).toBeLessThan(1e-3);
    }
  });

  it('gives up when workgroups wait in vain, and says so', { timeout: 400_000 }, async () => {
    using model = await modelOf({ norm: 'post' });
    using cache = prefilled(model, prompt, 12);
    using decoder = openTokenDecoder(model, cache, { oneKernel: { polls: 0 } })!;
    const logits = await decoder.logitsAfter(1);
    expect(Array.from(logits).every(Number.isNaN)).toBe(true);
    await expect(decoder.requireProgress()).rejects.toThrow(DeviceError);
  });
});
