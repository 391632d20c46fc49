import {
  backward,
  ConfigError,
  Device,
  init,
  noGrad,
  readSafetensors,
  type Tensor,
  tensor,
  tidy,
  writeSafetensors,
} from '@modajs/tensor';
import { createReferenceBackend } from '@modajs/tensor/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostParameter } from '../src/decoder/load-parameters.ts';
import {
  AdaptedModel,
  adaptableMaps,
  createDecoder,
  type Decoder,
  type DecoderConfig,
  defineDecoderConfig,
  hostParameters,
  LoraAdapter,
  type LoraConfig,
  mergeAdapters,
  readPeft,
  trainedModel,
  writePeft,
} from '../src/index.ts';
import { familyNames, familyOf } from '../src/io/hugging-face/model-family.ts';
import { toStoredNames } from '../src/io/names/stored-names.ts';
import { decoderSpecs } from '../src/parameters/decoder-specs.ts';
import { distance } from './distance.ts';
import { smallFamilies } from './families.ts';
import { smallConfigs } from './small-configs.ts';

const ids = [
  [3, 7, 1, 18, 5, 5, 11],
  [0, 9, 13, 2, 17, 4, 6],
];
const targets = ids.map((row) => row.map((id) => (3 * id + 1) % 19));

const plain: LoraConfig = { rank: 3, alpha: 5, targets: ['all-linear'], rankStabilized: false };

/** An adapter whose B is not zero. */
async function shaken(model: DecoderConfig, config: LoraConfig, device: Device): Promise<LoraAdapter> {
  const adapter = new LoraAdapter(model, config, { device, seed: 4 });
  const values = Object.entries(adapter.parameters()).map(([name, { shape, size }], n) => {
    const data = Float32Array.from({ length: size }, (_, i) => 0.3 * Math.sin(1 + 7 * n + 3 * i));
    return [name, { shape, data }] as const;
  });
  adapter.loadParameters(new Map(values));
  return adapter;
}

async function valuesOf(adapter: LoraAdapter) {
  const parameters = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  for (const [name, tensor] of Object.entries(adapter.parameters()))
    parameters.set(name, { shape: tensor.shape, data: Float32Array.from(await tensor.data()) });
  return { config: adapter.config, parameters };
}

describe('LoRA [cpu]', () => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'cpu', threads: 1 });
  });
  afterAll(() => device.destroy());

  const logitsOf = async (model: Decoder): Promise<number[]> => {
    const x = tensor(ids, { dtype: 'i32', device: model.device });
    return Array.from(await tidy((): Tensor => noGrad(() => model.logits(model.forward(x)))).data());
  };
  const lossOf = (model: AdaptedModel | Decoder, on = device): Tensor => {
    const place = { dtype: 'i32', device: on } as const;
    return model.loss(tensor(ids, place), tensor(targets, place));
  };

  // With depth projections, biases, parallel blocks, two rotations.
  const titles = [
    'residual',
    'moda',
    'moda, attention projections, post-norm',
    'moda, gated, best 2 slots, reader norm',
    'moda, parallel, part of a head, biases of the FFN',
    'norms on both sides, two rotations, windows, caps, scales',
    'mudd',
  ];
  it.each(titles)('starts as no change, and added to the weights gives the same logits: %s', async (title) => {
    const config = smallConfigs[title];
    using model = createDecoder(config, { device, seed: 5, isFrozen: true });
    const before = await logitsOf(model);
    const fresh = new LoraAdapter(config, plain, { device });
    model.attach(fresh);
    expect(await logitsOf(model)).toEqual(before);
    fresh.dispose();
    const adapter = await shaken(config, plain, device);
    model.attach(adapter);
    const adapted = await logitsOf(model);
    expect(distance(adapted, before)).toBeGreaterThan(1e-3);
    using merged = createDecoder(config, { device });
    const held = new Map([...(await hostParameters(model))].map(([n, v]) => [n, { ...v, read: async () => v }]));
    await merged.readParameters(mergeAdapters(held, [await valuesOf(adapter)]));
    expect(distance(await logitsOf(merged), adapted)).toBeLessThan(1e-5);
  });

  it('several adapters add up, in any order', async () => {
    const config = smallConfigs['moda'];
    using model = createDecoder(config, { device, seed: 5, isFrozen: true });
    const a = await shaken(config, plain, device);
    const b = await shaken(
      config,
      { ...plain, targets: ['q_proj', 'ffn_kv_proj'], rankStabilized: true, rank: 2 },
      device,
    );
    model.attach(a, b);
    const both = await logitsOf(model);
    model.attach(b, a);
    expect(distance(await logitsOf(model), both)).toBeLessThan(1e-6);
    model.attach(b);
    expect(distance(await logitsOf(model), both)).toBeGreaterThan(1e-3);
    a.dispose();
  });

  it('the adapter alone has gradients, which are those of differences; depth projections and gates of the model stay', async () => {
    const reference = new Device(createReferenceBackend());
    const config = smallConfigs['moda'];
    using decoder = createDecoder(config, { device: reference, seed: 5, isFrozen: true });
    const adapter = await shaken(config, plain, reference);
    decoder.attach(adapter);
    const model = trainedModel(decoder) as AdaptedModel;
    expect(model).toBeInstanceOf(AdaptedModel);
    tidy(() => backward(lossOf(model, reference)));
    for (const [name, { grad }] of Object.entries(decoder.parameters())) expect(grad, name).toBeNull();
    const values = await valuesOf(adapter);
    for (const [name, parameter] of Object.entries(model.parameters())) {
      const found = await parameter.grad!.data();
      const i = Math.floor((found.length * 5) / 7);
      const at = async (delta: number): Promise<number> => {
        const moved = new Map(values.parameters);
        const data = Float64Array.from(moved.get(name)!.data);
        data[i] += delta;
        moved.set(name, { shape: parameter.shape, data: data as never });
        adapter.loadParameters(moved);
        return tidy(() => noGrad(() => lossOf(model, reference))).item();
      };
      const step = 1e-4;
      const slope = ((await at(step)) - (await at(-step))) / (2 * step);
      expect(Math.abs(found[i] - slope), name).toBeLessThan(1e-5);
    }
  });

  it('refuses maps that there are not, and sizes that make no sense', () => {
    const config = smallConfigs['moda'];
    const make = (change: Partial<LoraConfig>) => () => new LoraAdapter(config, { ...plain, ...change }, { device });
    expect(make({ targets: ['q_prj'] })).toThrow('Did you mean q_proj?');
    expect(make({ targets: ['embed_tokens'] })).toThrow(ConfigError);
    expect(make({ targets: [] })).toThrow('got none');
    expect(make({ rank: 0 })).toThrow('rank must be a whole number above 0');
    expect(make({ alpha: Number.NaN })).toThrow('alpha must be a number above 0');
    expect([...adaptableMaps(smallConfigs['depth-attention']).keys()]).not.toContain('model.layers.1.depth.q_proj');
  });
});

describe('PEFT files', () => {
  const llama = defineDecoderConfig({
    nLayers: 2,
    nHeads: 4,
    nKvHeads: 2,
    dModel: 12,
    headDim: 6,
    dFf: 14,
    vocabSize: 19,
    norm: 'pre',
    qkNorm: 'none',
    tieEmbeddings: false,
  });
  const config: LoraConfig = { rank: 2, alpha: 3, targets: ['q_proj', 'down_proj'], rankStabilized: false };
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'cpu', threads: 1 });
  });
  afterAll(() => device.destroy());
  const options = { base: 'some/model', baseSha256: 'abc' };
  const filesOf = async (model: DecoderConfig) => {
    using adapter = await shaken(model, config, device);
    const values = await valuesOf(adapter);
    return { values, files: await writePeft(model, values, options) };
  };

  it('have the names, shapes and settings that PEFT writes', async () => {
    const { files } = await filesOf(llama);
    const json = JSON.parse(new TextDecoder().decode(files.get('adapter_config.json')));
    expect(json).toMatchObject({
      peft_type: 'LORA',
      r: 2,
      lora_alpha: 3,
      task_type: 'CAUSAL_LM',
      bias: 'none',
      use_rslora: false,
      base_model_name_or_path: 'some/model',
      target_modules: ['q_proj', 'down_proj'],
    });
    const header = files.get('adapter_model.safetensors')!;
    const text = new TextDecoder().decode(header.subarray(8, 8 + new DataView(header.buffer).getUint32(0, true)));
    const { __metadata__, ...tensors } = JSON.parse(text);
    expect(__metadata__).toEqual({ format: 'pt', base_sha256: 'abc' });
    expect(Object.keys(tensors)).toContain('base_model.model.model.layers.1.mlp.down_proj.lora_B.weight');
    expect(tensors['base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight'].shape).toEqual([2, 12]);
    expect(tensors['base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight'].shape).toEqual([24, 2]);
  });

  it.each([false, true])('come back as they were, with paired rotations (%s) too', async (ropeInterleaved) => {
    const model = defineDecoderConfig({ ...llama, ropeInterleaved });
    const { values, files } = await filesOf(model);
    const back = readPeft(model, files);
    expect(back).toMatchObject({ config: { rank: 2, alpha: 3, rankStabilized: false }, ...options });
    for (const [name, { data }] of values.parameters) {
      expect(Array.from(back.parameters.get(name)!.data), name).toEqual(Array.from(data));
    }
    const plainRows = readPeft(llama, files).parameters.get('model.layers.0.self_attn.q_proj.lora_B.weight')!.data;
    const own = values.parameters.get('model.layers.0.self_attn.q_proj.lora_B.weight')!.data;
    expect(Array.from(plainRows).join() === Array.from(own).join()).toBe(!ropeInterleaved);
  });

  const refusals: [string, object, string][] = [
    ['another kind', { peft_type: 'IA3' }, 'adapter_config.json: peft_type must be'],
    ['DoRA', { use_dora: true }, 'adapter_config.json: use_dora must be false'],
    ['biases', { bias: 'all' }, 'adapter_config.json: bias must be'],
    ['saved modules', { modules_to_save: ['lm_head'] }, 'adapter_config.json: modules_to_save must be empty'],
    ['ranks of their own', { rank_pattern: { q_proj: 4 } }, 'adapter_config.json: rank_pattern must be empty'],
    ['another rank', { r: 3 }, 'q_proj.lora_A.weight must be [3,12], got [2,12]'],
    ['no rank', { r: null }, 'adapter_config.json: r must be a rank'],
  ];
  it.each(refusals)('that say %s are refused with file, key and cure', async (_, change, message) => {
    const { files } = await filesOf(llama);
    const json = JSON.parse(new TextDecoder().decode(files.get('adapter_config.json')));
    const changed = new Map(files);
    changed.set('adapter_config.json', new TextEncoder().encode(JSON.stringify({ ...json, ...change })));
    expect(() => readPeft(llama, changed)).toThrow(message);
  });

  it('for another model, or cut short, are refused', async () => {
    const { files } = await filesOf(llama);
    const wider = defineDecoderConfig({ ...llama, dFf: 16 });
    expect(() => readPeft(wider, files)).toThrow('down_proj.lora_A.weight must be [2,16], got [2,14]');
    const shallow = defineDecoderConfig({ ...llama, nLayers: 1 });
    expect(() => readPeft(shallow, files)).toThrow('model.layers.1.self_attn.q_proj');
    const cut = new Map(files);
    cut.set('adapter_model.safetensors', files.get('adapter_model.safetensors')!.subarray(0, 400));
    expect(() => readPeft(llama, cut)).toThrow('safetensors');
    cut.delete('adapter_model.safetensors');
    expect(() => readPeft(llama, cut)).toThrow('adapter_model.safetensors must be there');
  });

  const fused = {
    gpt2: [smallFamilies.gpt2, ['q_proj', 'v_proj', 'o_proj'], ['c_attn', 'attn.c_proj']],
    gpt_neox: [
      smallFamilies.gpt_neox,
      ['q_proj', 'k_proj', 'v_proj', 'down_proj'],
      ['query_key_value', 'dense_4h_to_h'],
    ],
    phi3: [smallFamilies.phi3, ['k_proj', 'gate_proj', 'up_proj'], ['qkv_proj', 'gate_up_proj']],
  } as const;

  it.each(Object.entries(fused))(
    'of maps that %s stores together come back as they were',
    async (family, [model, targets, modules]) => {
      for (const rankStabilized of [false, true]) {
        using adapter = await shaken(model, { ...config, targets, rankStabilized }, device);
        const values = await valuesOf(adapter);
        const files = await writePeft(model, values, options);
        const json = JSON.parse(new TextDecoder().decode(files.get('adapter_config.json')));
        expect(json).toMatchObject({ target_modules: modules, fan_in_fan_out: family === 'gpt2' });
        const back = readPeft(model, files);
        expect(back.config).toEqual({ ...config, targets: expect.arrayContaining([...targets]), rankStabilized });
        expect(back.parameters.size).toBe(values.parameters.size);
        for (const [name, { data }] of values.parameters) {
          expect(Array.from(back.parameters.get(name)!.data), name).toEqual(Array.from(data));
        }
        // What PEFT adds to the stored matrices is what ours adds to the parts of them.
        expect(distance(await storedChange(model, values), peftChange(files))).toBeLessThan(1e-6);
        const other = { ...json, rank_pattern: { ...json.rank_pattern, [modules[0]]: 1 } };
        const edited = new Map(files).set('adapter_config.json', new TextEncoder().encode(JSON.stringify(other)));
        expect(() => readPeft(model, edited)).toThrow('adapter_config.json: rank_pattern must be {');
      }
    },
  );

  it("of a Phi 3 that turns whole heads, whose fields are a Llama's, are read by its names", async () => {
    const model = smallFamilies.llama;
    const { config: read, parameters } = readPeft(model, await phi3Files(model));
    expect(read.targets).toEqual(['q_proj', 'k_proj', 'v_proj']);
    const first = (part: string) => parameters.get(`model.layers.1.self_attn.${part}_proj.lora_B.weight`)!.data[0];
    const { nHeads, nKvHeads, headDim } = model;
    expect(['q', 'k', 'v'].map(first)).toEqual([0, 2 * nHeads * headDim, 2 * (nHeads + nKvHeads) * headDim]);
  });

  it.each(['gpt2', 'gpt_neox', 'phi3'] as const)(
    'that PEFT made of maps that %s stores together are read, and written with one A',
    async (family) => {
      const [model, , [module]] = fused[family];
      using adapter = await shaken(model, { ...config, targets: ['q_proj', 'k_proj', 'v_proj'] }, device);
      const values = await valuesOf(adapter);
      // One A for all, as PEFT makes it.
      for (const [name, { shape }] of values.parameters) {
        const data = Float32Array.from({ length: shape[0] * shape[1] }, (_, i) => Math.cos(i));
        if (name.endsWith('lora_A.weight')) values.parameters.set(name, { shape, data });
      }
      const files = await writePeft(model, values, options);
      const json = JSON.parse(new TextDecoder().decode(files.get('adapter_config.json')));
      expect(json).toMatchObject({ r: 2, rank_pattern: {}, alpha_pattern: {}, target_modules: [module] });
      expect([...readPeft(model, files).parameters.keys()].sort()).toEqual([...values.parameters.keys()].sort());
      expect(distance(await storedChange(model, values), peftChange(files))).toBeLessThan(1e-6);
    },
  );
});

/** An adapter of Phi 3's stored matrix of queries, keys and values. */
async function phi3Files({ nLayers, dModel, nHeads, nKvHeads, headDim }: DecoderConfig) {
  const outputs = (nHeads + 2 * nKvHeads) * headDim;
  const tensors: Record<string, { dtype: 'F32'; shape: number[]; data: Float32Array }> = {};
  for (let l = 0; l < nLayers; l++) {
    const name = `base_model.model.model.layers.${l}.self_attn.qkv_proj`;
    const numbers = (count: number) => Float32Array.from({ length: count }, (_, i) => i);
    tensors[`${name}.lora_A.weight`] = { dtype: 'F32', shape: [2, dModel], data: numbers(2 * dModel) };
    tensors[`${name}.lora_B.weight`] = { dtype: 'F32', shape: [outputs, 2], data: numbers(2 * outputs) };
  }
  const json = JSON.stringify({ peft_type: 'LORA', bias: 'none', r: 2, lora_alpha: 4, target_modules: ['qkv_proj'] });
  return new Map([
    ['adapter_config.json', new TextEncoder().encode(json)],
    ['adapter_model.safetensors', await writeSafetensors(tensors)],
  ]);
}

/** What an adapter adds to the stored matrices of a family, by name. */
async function storedChange(model: DecoderConfig, values: Awaited<ReturnType<typeof valuesOf>>): Promise<number[]> {
  const names = familyNames(familyOf(model)!);
  const zeros = new Map(
    Object.entries(decoderSpecs(model)).map(([name, { shape }]) => {
      const data = new Float32Array(shape.reduce((product, length) => product * length, 1));
      return [name, { shape, read: async () => ({ shape, data }) }];
    }),
  );
  const parameters = new Map<string, HostParameter>();
  for (const [name, stored] of mergeAdapters(zeros, [values])) parameters.set(name, await stored.read());
  const changed = [...toStoredNames(names, model, parameters)].sort(([a], [b]) => (a < b ? -1 : 1));
  return changed.flatMap(([, { shape, data }]) =>
    shape.length === 2 && data.some((x) => x !== 0) ? Array.from(data) : [],
  );
}

/** The same as PEFT computes it from its files; GPT-2's layers are stored turned. */
function peftChange(files: ReadonlyMap<string, Uint8Array>): number[] {
  const json = JSON.parse(new TextDecoder().decode(files.get('adapter_config.json')));
  const { tensors } = readSafetensors(files.get('adapter_model.safetensors')!);
  const names = [...tensors.keys()].filter((name) => name.endsWith('lora_A.weight')).sort();
  return names.flatMap((name) => {
    const [a, b] = [tensors.get(name)!, tensors.get(name.replace('lora_A', 'lora_B'))!];
    const [rank, inputs] = a.shape;
    const ofPattern = (pattern: object, plain: number): number =>
      Object.entries(pattern).find(([end]) => name.includes(`.${end}.lora_A`))?.[1] ?? plain;
    expect(rank).toBe(ofPattern(json.rank_pattern, json.r));
    const scale = ofPattern(json.alpha_pattern, json.lora_alpha) / (json.use_rslora ? Math.sqrt(rank) : rank);
    const outputs = b.shape[0];
    return Array.from({ length: outputs * inputs }, (_, at) => {
      const [o, i] = json.fan_in_fan_out
        ? [at % outputs, Math.floor(at / outputs)]
        : [Math.floor(at / inputs), at % inputs];
      let sum = 0;
      for (let r = 0; r < rank; r++) sum += b.data[o * rank + r] * a.data[r * inputs + i];
      return scale * sum;
    });
  });
}
