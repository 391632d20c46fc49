import {
  configFromHuggingFace,
  configToHuggingFace,
  type DecoderConfig,
  defineDecoderConfig,
  readHuggingFace,
} from '@modajs/models';
import { CheckpointError, writeSafetensors } from '@modajs/tensor';
import type { FuzzTarget } from '../fuzz-target.ts';
import { mutateJsonBytes } from '../mutate-json.ts';

const sizes = { nLayers: 2, nHeads: 4, nKvHeads: 2, dModel: 32, dFf: 48, vocabSize: 97, seqLen: 64 } as const;
const configs: readonly DecoderConfig[] = [
  defineDecoderConfig({ ...sizes }),
  defineDecoderConfig({ ...sizes, norm: 'pre', qkNorm: 'none', bias: true }),
  defineDecoderConfig({ ...sizes, norm: 'pre', qkNorm: 'head', headDim: 6, tieEmbeddings: false }),
  defineDecoderConfig({ ...sizes, depth: { kind: 'moda', slots: 3 }, softmaxScale: 0.1 }),
];
const gpt2 = {
  model_type: 'gpt2',
  activation_function: 'gelu_new',
  vocab_size: 97,
  n_positions: 64,
  n_embd: 32,
  n_layer: 2,
  n_head: 4,
  layer_norm_epsilon: 1e-5,
};

export const target: FuzzTarget = {
  name: 'hugging-face-config',
  async seeds() {
    return [...configs.map(configToHuggingFace), gpt2].map((json) => new TextEncoder().encode(JSON.stringify(json)));
  },
  mutate: mutateJsonBytes,
  async run(bytes) {
    const weights = await writeSafetensors({});
    const files: Readonly<Record<string, Uint8Array>> = { 'config.json': bytes, 'model.safetensors': weights };
    const config = await readHuggingFace({ read: async (name) => files[name] ?? null }).then(
      (read) => read.config,
      (error: unknown): DecoderConfig => {
        // The file of weights holds none: a configuration of another family that is read well ends at its first tensor.
        const isRead =
          error instanceof CheckpointError && error.message.includes('must be in the file, got 0 other tensors');
        if (!isRead) throw error;
        return configFromHuggingFace(JSON.parse(new TextDecoder().decode(bytes)));
      },
    );
    for (const [key, value] of Object.entries(config)) {
      if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`${key} is ${value}`);
    }
    if (!Number.isInteger(config.headDim) || config.headDim < 1) throw new Error(`headDim is ${config.headDim}`);
    const again = configFromHuggingFace(JSON.parse(JSON.stringify(configToHuggingFace(config))));
    if (JSON.stringify(again) !== JSON.stringify(config))
      throw new Error('another config comes back from its own file');
  },
};
