import { DataError, type Device, type DType, init, noGrad, ShapeError, tensor, tidy } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createDecoder,
  type Decoder,
  DecoderCache,
  type DecoderConfigInput,
  defineDecoderConfig,
  generate,
  hostParameters,
  openTokenDecoder,
} from '../src/index.ts';
import { lastLogits, loudModel, prefilled } from './decoding.ts';
import { distance } from './distance.ts';
import { smallConfigs } from './small-configs.ts';

const base: DecoderConfigInput = {
  nLayers: 3,
  nHeads: 6,
  nKvHeads: 2,
  headDim: 8,
  dModel: 24,
  dFf: 40,
  vocabSize: 23,
  seqLen: 32,
  normEps: 1e-5,
  ropeTheta: 100,
};

// Few combinations hold every option: a software adapter takes seconds for each new shader.
const configs: Record<string, Partial<DecoderConfigInput>> = {
  'residual, pre-norm, QK-norm by head, interleaved RoPE': { norm: 'pre', qkNorm: 'head', ropeInterleaved: true },
  'residual, pre-norm, biases of q, k and v, slowed rotation': {
    norm: 'pre',
    qkNorm: 'none',
    bias: true,
    biasMaps: 'qkv',
    ropeScaling: { kind: 'llama3', factor: 4, lowFrequencyFactor: 1, highFrequencyFactor: 4, trainedLength: 16 },
  },
  'moda, pre-norm': { depth: 'moda', norm: 'pre' },
  'moda, post-norm, biases': { depth: 'moda', norm: 'post', bias: true },
  'moda, post-norm, newest 2 slots': { depth: { kind: 'moda', slots: 2 }, norm: 'post' },
  'moda, reordered, attention projections, last block with projection, own output matrix': {
    depth: { kind: 'moda', attentionProjection: true, lastProjection: true },
    norm: 'reordered',
    tieEmbeddings: false,
  },
  'moda, post-norm, attention slots only, newest slot': {
    depth: { kind: 'moda', ffnProjection: false, slots: 1 },
    norm: 'post',
  },
  'moda, post-norm, raw keys without RoPE, no QK-norm': {
    depth: { kind: 'moda', keyNorm: 'none', rope: 'none' },
    norm: 'post',
    qkNorm: 'none',
  },
};

const prompt = [3, 1, 4];
const more = [1, 5, 9, 2, 6];

describe('token decoder [webgpu]', () => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'webgpu' });
  });
  afterAll(() => device.destroy());

  const modelOf = (variant: Partial<DecoderConfigInput>, dtype?: DType): Promise<Decoder> =>
    loudModel(defineDecoderConfig({ ...base, ...variant }), device, dtype);

  for (const [name, variant] of Object.entries(configs)) {
    it(`equals one full forward, token by token: ${name}`, { timeout: 400_000 }, async () => {
      using model = await modelOf(variant);
      using cache = prefilled(model, prompt, 8);
      using decoder = openTokenDecoder(model, cache)!;
      const ids = [...prompt];
      for (const id of more) {
        ids.push(id);
        const logits = await decoder.logitsAfter(id);
        expect(distance(logits, await lastLogits(model, ids))).toBeLessThan(1e-5);
        expect(cache.length).toBe(ids.length);
      }
      expect(() => decoder.feed(0)).toThrow(ShapeError);
    });
  }

  it('continues in the general operators where the fused ones stopped, and back', async () => {
    using model = await modelOf(configs['moda, post-norm, biases']);
    using cache = prefilled(model, prompt, 8);
    using decoder = openTokenDecoder(model, cache)!;
    await decoder.logitsAfter(more[0]);
    tidy(() => noGrad(() => void model.forward(tensor([[more[1]]], { dtype: 'i32', device }), { cache })));
    const logits = await decoder.logitsAfter(more[2]);
    expect(distance(logits, await lastLogits(model, [...prompt, ...more.slice(0, 3)]))).toBeLessThan(1e-5);
  });

  it('is at most twice as far from f32 in f16 as the general operators are [f16]', { timeout: 400_000 }, async () => {
    const variant = configs['moda, post-norm, biases'];
    using half = await modelOf(variant, 'f16');
    using single = await modelOf(variant);
    single.loadParameters(await hostParameters(half));
    using cache = prefilled(half, prompt, 8);
    using decoder = openTokenDecoder(half, cache)!;
    const logits = await decoder.logitsAfter(more[0]);
    const ids = [...prompt, more[0]];
    const truth = await lastLogits(single, ids);
    expect(distance(logits, truth)).toBeLessThan(2 * distance(await lastLogits(half, ids), truth));
  });

  it('needs five kernels a block, and MoDA no more than its baseline', async () => {
    const count = async (variant: Partial<DecoderConfigInput>): Promise<number> => {
      using model = await modelOf(variant);
      using cache = prefilled(model, prompt, 8);
      using decoder = openTokenDecoder(model, cache)!;
      return decoder.dispatches;
    };
    const baseline = await count({ norm: 'post' });
    expect(baseline).toBe(5 * 3 + 4);
    expect(await count({ norm: 'post', depth: 'moda' })).toBe(baseline);
  });

  it('generates greedily on the device what the host would choose, with its log-probabilities', async () => {
    using model = await modelOf(configs['moda, post-norm, biases']);
    const ids = [...prompt];
    for await (const { id, logProb } of generate(model, prompt, { temperature: 0, maxNewTokens: 8 })) {
      const logits = await lastLogits(model, ids);
      const largest = Math.max(...logits);
      expect(id).toBe(logits.indexOf(largest));
      const sum = logits.reduce((total, value) => total + Math.exp(value - largest), 0);
      expect(Math.abs(logProb + Math.log(sum))).toBeLessThan(1e-4);
      ids.push(id);
    }
    expect(ids).toHaveLength(prompt.length + 8);
    const stop = ids[prompt.length + 3];
    const stopped: number[] = [];
    for await (const { id } of generate(model, prompt, { temperature: 0, maxNewTokens: 8, eos: stop }))
      stopped.push(id);
    expect(stopped).toEqual(ids.slice(prompt.length, ids.indexOf(stop, prompt.length) + 1));
  });

  it('chooses on the device only ids below the vocabulary given', async () => {
    using model = await modelOf(configs['moda, post-norm, biases']);
    const ids = [...prompt];
    const limit = 5;
    let wouldBeOther = 0;
    for await (const { id, logProb } of generate(model, prompt, {
      temperature: 0,
      maxNewTokens: 8,
      vocabSize: limit,
    })) {
      const logits = await lastLogits(model, ids);
      const largest = Math.max(...logits.slice(0, limit));
      wouldBeOther += Number(Math.max(...logits) > largest);
      expect(id).toBe(logits.indexOf(largest));
      const sum = logits.reduce((total, value) => total + Math.exp(value - largest), 0);
      expect(Math.abs(logProb + Math.log(sum))).toBeLessThan(1e-4);
      ids.push(id);
    }
    expect(wouldBeOther).toBeGreaterThan(0);
  });

  it('samples on the host as the general operators do', async () => {
    // Two prompts decode by the general operators.
    using model = await modelOf(configs['moda, pre-norm']);
    const ids: number[] = [];
    const two = generate(model, [prompt, prompt], { temperature: 1e-3, maxNewTokens: 6 });
    for await (const { row, id } of two) if (row === 0) ids.push(id);
    const one: number[] = [];
    for await (const { id } of generate(model, prompt, { temperature: 1e-3, maxNewTokens: 6 })) one.push(id);
    expect(one).toEqual(ids);
  });

  it('leaves no memory behind and raises NaN', async () => {
    using model = await modelOf(configs['moda, pre-norm']);
    const run = async (): Promise<void> => {
      for await (const _ of generate(model, prompt, { temperature: 0, maxNewTokens: 6 }));
    };
    await run();
    const before = device.memory().liveBytes;
    await run();
    expect(device.memory().liveBytes).toBe(before);
    const norm = model.parameters()['model.norm.weight'];
    using cache = prefilled(model, prompt, 8);
    device.backend.fill(norm.view, Number.NaN);
    using decoder = openTokenDecoder(model, cache)!;
    decoder.feed(1);
    expect((await decoder.choose()).logProb).toBeNaN();
    await expect(run()).rejects.toThrow(DataError);
  });

  const scaled = { trainedLength: 16, factor: 4, attentionFactor: 1, betaFast: 4, betaSlow: 1, isTruncated: true };
  const unknown: Partial<DecoderConfigInput>[] = [
    { window: 4 },
    { window: 4, localLayers: [1], localRopeTheta: 50 },
    { nopeLayers: [1] },
    { rotaryDim: 4 },
    { ropeScaling: { kind: 'yarn', ...scaled } },
    { ropeScaling: { kind: 'dynamic', factor: 4, trainedLength: 16 } },
    { activation: 'geglu' },
    { norm: 'sandwich' },
    { norm: 'pre', parallelBlocks: true },
    { embeddingScale: 2 },
    { residualScale: 2 },
    { logitScale: 2 },
    { logitSoftcap: 2 },
    { attentionSoftcap: 2 },
    { softmaxScaleByLayer: true },
  ];
  it.each(unknown)('leaves what it does not know to the general operators: %o', (variant) => {
    const config = defineDecoderConfig({ ...base, ...variant });
    using model = createDecoder(config, { device });
    using cache = new DecoderCache(config, { B: 1, capacity: 4, device });
    expect(openTokenDecoder(model, cache)).toBeNull();
  });

  it('leaves what it does not cover to the general operators', () => {
    const refused = { ...smallConfigs, rows: defineDecoderConfig(base) };
    for (const [name, config] of Object.entries(refused)) {
      using model = createDecoder(config, { device });
      using cache = new DecoderCache(config, { B: name === 'rows' ? 2 : 1, capacity: 4, device });
      expect(openTokenDecoder(model, cache), name).toBeNull();
    }
  });
});
