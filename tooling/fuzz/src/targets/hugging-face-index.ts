import { configToHuggingFace, decoderSpecs, defineDecoderConfig, readHuggingFace } from '@modajs/models';
import { type SafetensorsInput, writeSafetensors } from '@modajs/tensor';
import type { FuzzTarget } from '../fuzz-target.ts';
import { mutateJsonBytes } from '../mutate-json.ts';

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const model = defineDecoderConfig({ nLayers: 1, nHeads: 2, dModel: 8, dFf: 12, vocabSize: 11, seqLen: 16 });
const config = encode(configToHuggingFace(model));
/** Each parameter is filled with its number, so that one that was taken for another shows. */
const tensors = Object.entries(decoderSpecs(model)).map(([name, { shape }], i) => {
  const data = new Float32Array(shape.reduce((product, extent) => product * extent, 1)).fill(i + 1);
  return [name, { dtype: 'F32', shape, data }] as const;
});
const shards: Readonly<Record<string, Readonly<Record<string, SafetensorsInput>>>> = {
  'model-00001-of-00002.safetensors': Object.fromEntries(tensors.slice(0, 3)),
  'model-00002-of-00002.safetensors': Object.fromEntries(tensors.slice(3)),
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
    const named: object = JSON.parse(new TextDecoder().decode(bytes)).weight_map;
    for (const [name, { data }] of tensors) {
      if (!Object.hasOwn(named, name)) throw new Error(`${name} is not in the index, and no error says so`);
      if (parameters.get(name)?.data.join() !== data.join()) throw new Error(`${name} was not read`);
    }
  },
};
