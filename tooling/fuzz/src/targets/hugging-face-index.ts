import { configToHuggingFace, defineDecoderConfig, readHuggingFace } from '@modajs/models';
import { writeSafetensors } from '@modajs/tensor';
import type { FuzzTarget } from '../fuzz-target.ts';
import { mutateJsonBytes } from '../mutate-json.ts';

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const config = encode(
  configToHuggingFace(defineDecoderConfig({ nLayers: 1, nHeads: 2, dModel: 8, dFf: 12, vocabSize: 11, seqLen: 16 })),
);
const one = { dtype: 'F32', shape: [2], data: [1, 2] } as const;
const shards: Readonly<Record<string, Readonly<Record<string, typeof one>>>> = {
  'model-00001-of-00002.safetensors': { 'model.norm.weight': one, 'model.embed_tokens.weight': one },
  'model-00002-of-00002.safetensors': { 'model.layers.0.mlp.up_proj.weight': one },
};

export const target: FuzzTarget = {
  name: 'hugging-face-index',
  async seeds() {
    const names = Object.entries(shards).flatMap(([file, tensors]) => Object.keys(tensors).map((name) => [name, file]));
    return [encode({ metadata: { total_size: 24 }, weight_map: Object.fromEntries(names) })];
  },
  mutate: mutateJsonBytes,
  async run(bytes) {
    const read = async (name: string): Promise<Uint8Array | null> => {
      if (name === 'config.json') return config;
      if (name === 'model.safetensors.index.json') return bytes;
      if (typeof name !== 'string' || /[\\/]|^\.*$/.test(name)) throw new Error(`the file name ${name} is asked for`);
      return Object.hasOwn(shards, name) ? writeSafetensors(shards[name]) : null;
    };
    const { parameters } = await readHuggingFace({ read });
    const names: readonly string[] = Object.keys(JSON.parse(new TextDecoder().decode(bytes)).weight_map);
    for (const name of names) {
      if (parameters.get(name)?.data.join() !== '1,2') throw new Error(`${name} was not read`);
    }
    if (parameters.size !== names.length) throw new Error('a tensor was read that the index does not name');
  },
};
