import type { Tensor } from '@modajs/tensor';
import {
  add,
  backward,
  ConfigError,
  Device,
  linear,
  mul,
  noGrad,
  ShapeError,
  silu,
  slice,
  tensor,
  tidy,
} from '@modajs/tensor';
import { createReferenceBackend } from '@modajs/tensor/testing';
import { describe, expect, it } from 'vitest';
import {
  blockSpecs,
  type CustomBlock,
  type CustomDepth,
  createDecoder,
  DecoderCache,
  type DecoderConfigInput,
  type DecoderOptions,
  type DepthPass,
  defineDecoderConfig,
  hostParameters,
  linearSpecs,
  ResidualPath,
  type SubLayer,
} from '../src/index.ts';

const device = new Device(createReferenceBackend());
const base: DecoderConfigInput = { nLayers: 2, nHeads: 2, headDim: 4, dModel: 6, dFf: 10, vocabSize: 13, seqLen: 16 };
const ids = tensor([3, 1, 4, 1, 5, 9, 2], { shape: [1, 7], dtype: 'i32', device });
const targets = tensor([1, 4, 1, 5, 9, 2, 6], { shape: [1, 7], dtype: 'i32', device });

function decoder(options: DecoderOptions, config: Partial<DecoderConfigInput> = {}) {
  return createDecoder(defineDecoderConfig({ ...base, ...config }), { device, seed: 3, ...options });
}

/** The block that is configured, by hand. */
const configured: CustomBlock = {
  run({ read, write, attend, feed }) {
    write('attention', attend(read('attention')));
    write('ffn', feed(read('ffn')));
  },
  readsCache: true,
};

/** An expert beside the FFN. */
const expert: CustomBlock = {
  specs: (config, layer) => ({
    ...blockSpecs(config, layer),
    ...linearSpecs(`expert.${layer}.up`, 5, config.dModel, 0.5, false),
    ...linearSpecs(`expert.${layer}.down`, config.dModel, 5, 0.5, false),
  }),
  run({ layer, parameter, read, write, attend, feed }) {
    write('attention', attend(read('attention')));
    const x = read('ffn');
    const up = silu(linear(x, parameter(`expert.${layer}.up.weight`)));
    write('ffn', add(feed(x), linear(up, parameter(`expert.${layer}.down.weight`))));
  },
};

/** LAuReL's path as a caller would write it. */
const name = (layer: number, part: SubLayer) => `model.layers.${layer}.depth.${part}_laurel`;
class OwnLaurel extends ResidualPath {
  readonly #pass: DepthPass;
  constructor(pass: DepthPass) {
    super(pass.x, pass.join);
    this.#pass = pass;
  }
  override write(layer: number, part: SubLayer, y: Tensor): void {
    const weights = this.#pass.parameter(name(layer, part));
    this.x = mul(this.x, slice(weights, [1], [2]));
    super.write(layer, part, mul(y, slice(weights, [0], [1])));
  }
}
const ownLaurel: CustomDepth = {
  specs: ({ nLayers }, layer) =>
    layer === nLayers
      ? {}
      : Object.fromEntries(
          (['attention', 'ffn'] as const).map((part) => [
            name(layer, part),
            { shape: [2], role: 'vector', init: { kind: 'values', values: [1.5, 0.75] } },
          ]),
        ),
  path: (pass) => new OwnLaurel(pass),
};

async function lossOf(model: ReturnType<typeof decoder>): Promise<number> {
  return tidy(() => model.loss(ids, targets)).item();
}

describe('a decoder with parts of the caller', () => {
  it.each(['pre', 'post', 'sandwich'] as const)(
    'a block made of the configured sub-layers is the configured block [%s]',
    async (norm) => {
      expect(await lossOf(decoder({ block: configured }, { norm }))).toBe(await lossOf(decoder({}, { norm })));
      const moda = { norm, depth: 'moda' } as const;
      expect(await lossOf(decoder({ block: configured }, moda))).toBe(await lossOf(decoder({}, moda)));
    },
  );

  it('a depth path gives what the mechanism of the same formula gives', async () => {
    const [own, known] = [decoder({ depthPath: ownLaurel }), decoder({}, { depth: 'laurel' })];
    for (const [key, parameter] of Object.entries(known.parameters())) {
      const { view } = parameter;
      if (key.endsWith('laurel')) device.backend.upload(view.storage, view.offset, new Float32Array([1.5, 0.75]));
    }
    expect(await lossOf(own)).toBe(await lossOf(known));
    expect(own.countParameters()).toBe(known.countParameters());
  });

  it('neither goes into a file, which no reader would know them from', async () => {
    for (const options of [{ block: configured }, { depthPath: ownLaurel }]) {
      using model = decoder(options);
      await expect(hostParameters(model)).rejects.toThrow(ConfigError);
    }
  });

  it('its parameters are counted, have gradients, and may have any name', async () => {
    const model = decoder({ block: expert, depthPath: ownLaurel });
    tidy(() => backward(model.loss(ids, targets)));
    const added = Object.entries(model.parameters()).filter(([key]) => /^expert|laurel$/.test(key));
    expect(added).toHaveLength(8);
    for (const [key, { grad }] of added)
      expect(
        (await grad!.data()).some((x) => x !== 0),
        key,
      ).toBe(true);
    expect(model.countParameters()).toBe(decoder({}).countParameters() + 2 * 60 + 8);
    expect(model.hasStaticSteps).toBe(false);
    await expect(lossOf(decoder({}))).resolves.not.toBe(await lossOf(model));
  });

  it('decodes with a cache what one pass gives, where the block says that it reads it', async () => {
    const model = decoder({ block: configured, depthPath: ownLaurel });
    const whole = await tidy(() => model.forward(ids)).data();
    using cache = new DecoderCache(model.config, { B: 1, capacity: 7, device });
    const parts: number[] = [];
    for (const [from, to] of [
      [0, 4],
      [4, 7],
    ]) {
      parts.push(...(await tidy(() => noGrad(() => model.forward(slice(ids, [0, from], [1, to]), { cache }))).data()));
    }
    parts.forEach((x, i) => expect(x).toBeCloseTo(whole[i], 10));
  });

  const refused: Record<string, [() => unknown, typeof ConfigError | typeof ShapeError, RegExp]> = {
    'a name twice': [
      () => decoder({ block: { ...configured, specs: () => linearSpecs('expert', 2, 2, 1, false) } }),
      ConfigError,
      /got expert\.weight twice\. Put the layer into the name/,
    ],
    'a parameter that specs lacks': [
      () => decoder({ block: { run: ({ parameter }) => void parameter('gate') } }).forward(ids),
      ConfigError,
      /parameters of the model, got gate\. Name it in specs/,
    ],
    'attention without its parameters': [
      () =>
        decoder({ block: { specs: () => ({}), run: ({ attend, read }) => void attend(read('attention')) } }).forward(
          ids,
        ),
      ConfigError,
      /Name it in specs/,
    ],
    'an output that is no hidden state': [
      () =>
        decoder({
          block: { run: ({ write, read }) => write('ffn', slice(read('ffn'), [0, 0, 0], [1, 7, 1])) },
        }).forward(ids),
      ShapeError,
      /block 0 must write \[B, T, C\] = \[1,7,6\] as its ffn, got \[1,7,1\]/,
    ],
    'a path beside a mechanism': [
      () => decoder({ depthPath: ownLaurel }, { depth: 'moda' }),
      ConfigError,
      /got depth 'moda'\. Set depth to 'residual'/,
    ],
    checkpointing: [
      () => decoder({ block: configured }).forward(ids, { checkpoint: true }),
      ConfigError,
      /Set checkpoint to false/,
    ],
    'a cache that the block does not read': [
      () =>
        decoder({ block: expert }).forward(ids, {
          cache: new DecoderCache(defineDecoderConfig(base), { B: 1, capacity: 7, device }),
        }),
      ConfigError,
      /Set readsCache/,
    ],
    'a count of FLOPs': [() => decoder({ depthPath: ownLaurel }).countFlops(7), ConfigError, /Count them by hand/],
    'values of another length': [
      () =>
        decoder({
          depthPath: {
            ...ownLaurel,
            specs: (_, layer) => ({
              [`p.${layer}`]: { shape: [3], role: 'vector', init: { kind: 'values', values: [1] } },
            }),
          },
        }),
      ConfigError,
      /needs 3 values, got 1/,
    ],
    'an unknown first value': [
      () =>
        decoder({
          depthPath: {
            ...ownLaurel,
            specs: (_, layer) => ({ [`p.${layer}`]: { shape: [3], role: 'vector', init: { kind: 'zeros' as never } } }),
          },
        }),
      ConfigError,
      /init\.kind: the name must be known, got 'zeros'/,
    ],
  };
  it.each(Object.entries(refused))('refuses %s', (_, [call, type, message]) => {
    expect(call).toThrow(type);
    expect(call).toThrow(message);
  });
});
