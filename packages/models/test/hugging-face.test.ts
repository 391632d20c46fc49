import { CheckpointError, type Device, init, noGrad, readSafetensors, tensor, writeSafetensors } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  configFromHuggingFace,
  createDecoder,
  type DecoderConfig,
  familyOf,
  type HostParameter,
  hostParameters,
  type ModelFolder,
  presets,
  readHuggingFace,
  writeHuggingFace,
} from '../src/index.ts';
import { smallFamilies } from './families.ts';
import { smallConfigs } from './small-configs.ts';

const folderOf = (files: ReadonlyMap<string, Uint8Array>): ModelFolder => ({
  read: async (name) => files.get(name) ?? null,
});
const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

describe('hugging face files [reference]', () => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'reference' });
  });
  afterAll(() => device.destroy());

  const values = async (config: DecoderConfig): Promise<Map<string, HostParameter>> => {
    using model = createDecoder(config, { seed: 3 });
    return await hostParameters(model);
  };

  const models = { ...smallFamilies, moda: smallConfigs['moda, attention projections, post-norm'] };
  for (const [name, config] of Object.entries(models)) {
    it(`come back as they were written: ${name}`, async () => {
      const parameters = await values(config);
      const files = await writeHuggingFace(config, parameters);
      const json = JSON.parse(new TextDecoder().decode(files.get('config.json')));
      expect(json.model_type).toBe(name);
      const read = await readHuggingFace(folderOf(files));
      using model = createDecoder(read.config);
      model.loadParameters(read.parameters);
      for (const [key, { shape, data }] of await hostParameters(model)) {
        expect(shape).toEqual(parameters.get(key)!.shape);
        expect(data).toEqual(parameters.get(key)!.data);
      }
    });
  }

  it('GPT-2 matrices are fused and transposed as its checkpoints have them', async () => {
    const files = await writeHuggingFace(smallFamilies.gpt2, await values(smallFamilies.gpt2));
    const { tensors } = readSafetensors(files.get('model.safetensors')!);
    expect(tensors.get('transformer.h.1.attn.c_attn.weight')!.shape).toEqual([24, 72]);
    expect(tensors.get('transformer.h.0.mlp.c_fc.weight')!.shape).toEqual([24, 96]);
  });

  it('the paper’s reordered baseline is an olmo2, its MoDA is not', () => {
    expect(familyOf({ ...presets['olmo2-700m'], norm: 'reordered' })).toBe('olmo2');
    expect(familyOf(presets['moda-700m'])).toBeNull();
  });

  it('reads shards by their index and names a missing one', async () => {
    const parameters = await values(smallFamilies.olmo2);
    const whole = await writeHuggingFace(smallFamilies.olmo2, parameters);
    const half = [...parameters.keys()].filter((name) => name.includes('layers.1.'));
    const part = async (keep: (name: string) => boolean) => {
      const chosen = new Map([...parameters].filter(([name]) => keep(name)));
      return await writeSafetensors(
        Object.fromEntries(
          [...chosen].map(([name, { shape, data }]) => [name, { dtype: 'F32' as const, shape, data }]),
        ),
      );
    };
    const index = Object.fromEntries(
      [...parameters.keys()].map((name) => [name, half.includes(name) ? 'b.safetensors' : 'a.safetensors']),
    );
    const files = new Map([
      ['config.json', whole.get('config.json')!],
      ['model.safetensors.index.json', text({ weight_map: index })],
      ['a.safetensors', await part((name) => !half.includes(name))],
      ['b.safetensors', await part((name) => half.includes(name))],
    ]);
    const read = await readHuggingFace(folderOf(files));
    expect([...read.parameters.keys()].sort()).toEqual([...parameters.keys()].sort());
    files.delete('b.safetensors');
    await expect(readHuggingFace(folderOf(files))).rejects.toThrow('b.safetensors: the file must exist');
    files.set('b.safetensors', files.get('a.safetensors')!);
    await expect(readHuggingFace(folderOf(files))).rejects.toThrow('must be in this shard');
  });

  const olmo2 = {
    model_type: 'olmo2',
    hidden_size: 32,
    intermediate_size: 40,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    vocab_size: 100,
    max_position_embeddings: 64,
  };
  const gpt2 = (change: Record<string, unknown>) => ({
    model_type: 'gpt2',
    n_embd: 24,
    n_layer: 2,
    n_head: 4,
    vocab_size: 100,
    n_positions: 64,
    ...Object.fromEntries(
      Object.keys(olmo2)
        .filter((key) => key !== 'model_type' && key !== 'vocab_size')
        .map((key) => [key, undefined]),
    ),
    ...change,
  });
  const refused: [Record<string, unknown>, string][] = [
    [{ model_type: 'mamba' }, 'model_type must be one of olmo2'],
    [{ model_type: 'gemma3' }, 'The nearest is gemma'],
    [{ hidden_size: undefined }, 'hidden_size must be a whole number'],
    [{ rope_scaling: { rope_type: 'llama3' } }, 'rope_scaling: factor must be a number > 0, got nothing'],
    [{ rope_scaling: { type: 'proportional', factor: 2 } }, 'rope_scaling: type must be one of "default", "linear"'],
    [
      { rope_scaling: { type: 'linear', rope_type: 'yarn', factor: 2 } },
      'rope_scaling: type must be yarn, as rope_type',
    ],
    [{ rope_scaling: { rope_type: 'default', factor: 2 } }, 'rope_scaling: factor must be left out'],
    [
      { rope_scaling: null, rope_parameters: { rope_type: 'yarn', factor: '4' } },
      'rope_parameters: factor must be a number > 0, got "4"',
    ],
    [{ rope_scaling: { type: 'default' }, rope_parameters: { rope_type: 'yarn' } }, 'rope_scaling must be one in all'],
    [
      { rope_theta: 1e4, rope_parameters: { rope_theta: 5e5 } },
      'rope_theta must be one in all places, got 10000 and 500000',
    ],
    [{ rope_parameters: { full_attention: { rope_theta: 1e6 } } }, 'full_attention must be left out'],
    [{ partial_rotary_factor: 0.5 }, 'partial_rotary_factor must be 1'],
    [{ rope_theta: '500000' }, 'rope_theta must be a number > 0, got "500000"'],
    [{ rms_norm_eps: '1e-5' }, 'rms_norm_eps must be a number'],
    [{ num_key_value_heads: '2' }, 'num_key_value_heads must be a whole number'],
    [{ num_key_value_heads: 2.5 }, 'num_key_value_heads must be a whole number'],
    [{ head_dim: 0 }, 'head_dim must be a whole number'],
    [{ tie_word_embeddings: 'true' }, 'tie_word_embeddings must be true or false'],
    [{ hidden_act: 'gelu_10' }, 'hidden_act must be one of "silu"'],
    [{ mlp_bias: true }, 'mlp_bias must be false'],
    [{ use_sliding_window: true }, 'use_sliding_window must be false'],
    [{ model_type: 'mistral', attention_bias: true }, 'attention_bias must be false'],
    [{ model_type: 'gemma2', use_bidirectional_attention: true }, 'use_bidirectional_attention must be false'],
    [{ model_type: 'gemma2', sliding_window: null }, 'sliding_window must be a whole number >= 1 for local layers 0'],
    [{ model_type: 'gemma3_text', rope_parameters: { rope_theta: 5 } }, 'rope_parameters: rope_theta must be left out'],
    [{ model_type: 'smollm3', no_rope_layers: [1] }, 'no_rope_layers must be a list of 0 and 1 for 2 layers'],
    [{ model_type: 'qwen2', layer_types: ['sliding_attention', 'full_attention'] }, 'use_sliding_window must be true'],
    [
      { model_type: 'mistral', sliding_window: null, layer_types: ['sliding_attention', 'full_attention'] },
      'layer_types must be',
    ],
    [{ sliding_window: 4096 }, 'sliding_window must be false'],
    [{ layer_types: ['full_attention', 'sliding_attention'] }, 'layer_types must be full_attention in every layer'],
    [{ no_rope_layers: [1, 0] }, 'no_rope_layers must be left out'],
    [{ attn_logit_softcapping: 50 }, 'attn_logit_softcapping must be left out'],
    [{ embedding_multiplier: 12 }, 'embedding_multiplier must be left out'],
    [{ quantization_config: { bits: 4 } }, 'quantization_config must be empty'],
    [{ is_encoder_decoder: true }, 'is_encoder_decoder must be false'],
    [{ pruned_heads: { 0: [1] } }, 'pruned_heads must be empty'],
    [{ num_attention_heads: 5 }, 'config.json: config: '],
    [{ model_type: 'moda', moda_config: null }, 'moda_config must be an object'],
    [{ model_type: 'moda', moda_config: { nLayers: '2' } }, 'config.json: config: nLayers'],
    [gpt2({ scale_attn_by_inverse_layer_idx: 1 }), 'scale_attn_by_inverse_layer_idx must be true or false'],
    [gpt2({ activation_function: 'mish' }), 'activation_function must be one of "gelu_new"'],
    [gpt2({ n_ctx: 32 }), 'n_ctx must be 64'],
    [gpt2({ add_cross_attention: true }), 'add_cross_attention must be false'],
  ];
  for (const [change, message] of refused) {
    it(`refuses ${JSON.stringify(change)} and names the key`, () => {
      expect(() => configFromHuggingFace({ ...olmo2, ...change })).toThrow(CheckpointError);
      expect(() => configFromHuggingFace({ ...olmo2, ...change })).toThrow(message);
    });
  }

  it('an absent key has the default of transformers, null counts as absent, and bookkeeping changes nothing', () => {
    expect(configFromHuggingFace(olmo2)).toMatchObject({
      nKvHeads: 4,
      headDim: 8,
      normEps: 1e-5,
      ropeTheta: 10_000,
      tieEmbeddings: false,
    });
    expect(configFromHuggingFace({ ...olmo2, model_type: 'qwen3', num_key_value_heads: 2 }).headDim).toBe(128);
    expect(configFromHuggingFace({ ...olmo2, model_type: 'qwen3', num_key_value_heads: null }).nKvHeads).toBe(4);
    expect(configFromHuggingFace({ ...olmo2, model_type: 'llama' })).toMatchObject({ headDim: 8, normEps: 1e-6 });
    const more = {
      rope_scaling: null,
      head_dim: null,
      transformers_version: '5.17.0',
      bos_token_id: 1,
      use_cache: true,
      _name_or_path: 'x',
    };
    const rope = { rope_theta: 5e5, rope_parameters: { rope_theta: 5e5, rope_type: 'default' } };
    expect(configFromHuggingFace({ ...olmo2, ...more, ...rope }).ropeTheta).toBe(5e5);
    expect(configFromHuggingFace(JSON.parse(JSON.stringify(gpt2({ scale_attn_weights: false }))))).toMatchObject({
      softmaxScale: 1,
      tieEmbeddings: true,
    });
  });

  it('shard names that would leave the folder are refused before anything is read', async () => {
    const asked: string[] = [];
    for (const shard of [
      '../../.bashrc',
      '/etc/passwd',
      'a/b.safetensors',
      'a\\b.safetensors',
      '..',
      '',
      'x.bin',
      7,
      null,
      ['a'],
    ]) {
      const files = new Map([
        ['config.json', text(olmo2)],
        ['model.safetensors.index.json', text({ weight_map: { 'model.norm.weight': shard } })],
      ]);
      const folder: ModelFolder = {
        read: async (name) => {
          asked.push(name);
          return files.get(name) ?? null;
        },
      };
      await expect(readHuggingFace(folder)).rejects.toThrow(CheckpointError);
    }
    expect(new Set(asked)).toEqual(new Set(['config.json', 'model.safetensors', 'model.safetensors.index.json']));
  });

  for (const [name, config] of Object.entries({
    llama: smallFamilies.llama,
    qwen3: smallFamilies.qwen3,
    olmo2: smallFamilies.olmo2,
  })) {
    it(`interleaved RoPE is exported in the other pairing with equal logits: ${name}`, async () => {
      const interleaved: DecoderConfig = { ...config, ropeInterleaved: true };
      using model = createDecoder(interleaved, { seed: 5 });
      // Norm weights start as ones, which any order leaves alone.
      const parameters = await hostParameters(model);
      for (const [key, { data }] of parameters)
        if (key.endsWith('norm.weight')) data.forEach((_, i) => (data[i] = 1 + Math.sin(i)));
      model.loadParameters(parameters);
      const files = await writeHuggingFace(interleaved, parameters);
      const read = await readHuggingFace(folderOf(files));
      expect(read.config.ropeInterleaved).toBe(false);
      using copy = createDecoder(read.config);
      copy.loadParameters(read.parameters);
      const ids = tensor([[3, 14, 15, 92, 65, 35]], { dtype: 'i32' });
      const [mine, theirs] = noGrad(() => [model, copy].map((one) => one.forward(ids)));
      const [a, b] = [await mine.data(), await theirs.data()];
      a.forEach((value, i) => expect(b[i]).toBeCloseTo(value, 10));
    });
  }

  it('what a family cannot say is written as moda and comes back', async () => {
    for (const config of [
      { ...smallFamilies.gpt2, nKvHeads: 2 },
      { ...smallFamilies.gpt2, headDim: 6 },
      { ...smallFamilies.gpt2, softmaxScale: 0.5 },
      { ...smallFamilies.qwen3, bias: true },
    ]) {
      expect(familyOf(config)).toBeNull();
      const read = await readHuggingFace(folderOf(await writeHuggingFace(config, await values(config))));
      expect(read.config).toEqual(config);
    }
  });

  it('an export that would not be the model is refused: values beyond half precision, lost or foreign parameters', async () => {
    const parameters = await values(smallFamilies.llama);
    const name = 'model.layers.1.mlp.up_proj.weight';
    parameters.get(name)!.data[7] = 70_000;
    await expect(writeHuggingFace(smallFamilies.llama, parameters, { dtype: 'F16' })).rejects.toThrow(
      `${name}[7] must come back as 70000`,
    );
    await writeHuggingFace(smallFamilies.llama, parameters);
    parameters.set('model.extra', parameters.get(name)!);
    await expect(writeHuggingFace(smallFamilies.llama, parameters)).rejects.toThrow('model.extra must be a parameter');
    parameters.delete('model.extra');
    parameters.delete(name);
    await expect(writeHuggingFace(smallFamilies.llama, parameters)).rejects.toThrow(
      `${name} must be [40,32], got nothing`,
    );
  });

  it('refuses a missing config, broken JSON, and a tensor of another shape', async () => {
    await expect(readHuggingFace(folderOf(new Map()))).rejects.toThrow('config.json: the file must exist');
    const broken = new Map([['config.json', new TextEncoder().encode('{')]]);
    await expect(readHuggingFace(folderOf(broken))).rejects.toThrow('config.json: the file must be JSON');
    using model = createDecoder(smallFamilies.olmo2);
    const parameters = await hostParameters(model);
    parameters.set('model.norm.weight', { shape: [3], data: new Float32Array(3) });
    expect(() => model.loadParameters(parameters)).toThrow(
      'model.norm.weight is [3] in the file but [48] in the model',
    );
    parameters.delete('model.norm.weight');
    expect(() => model.loadParameters(parameters)).toThrow('model.norm.weight must be in the file');
  });
});
