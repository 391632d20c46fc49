import { CheckpointError, ConfigError, nearestKey, shown } from '@modajs/tensor';
import type { DecoderConfig, DecoderConfigInput } from '../../config/decoder-config.ts';
import { defineDecoderConfig } from '../../config/define-decoder-config.ts';
import { CheckedConfig, type Json } from './checked-config.ts';
import { readGpt2, readGptNeox } from './gpt-like.ts';
import {
  readGemma,
  readGemma2,
  readGemma3,
  readGranite,
  readLlama,
  readMistral,
  readOlmo2,
  readOlmo3,
  readPhi3,
  readQwen2,
  readQwen3,
  readSmolLm3,
} from './llama-like.ts';
import type { ModelFamily } from './model-family.ts';

const readers: Readonly<Record<ModelFamily, (config: CheckedConfig) => DecoderConfigInput>> = {
  olmo2: readOlmo2,
  llama: readLlama,
  qwen3: readQwen3,
  gpt2: readGpt2,
  qwen2: readQwen2,
  mistral: readMistral,
  olmo3: readOlmo3,
  smollm3: readSmolLm3,
  granite: readGranite,
  phi3: readPhi3,
  gemma: readGemma,
  gemma2: readGemma2,
  gemma3_text: readGemma3,
  gpt_neox: readGptNeox,
};

/** The family that a file's `model_type` names; null for our own `moda`. @throws CheckpointError for any other */
export function familyNamed(type: unknown): ModelFamily | null {
  if (type === 'moda') return null;
  if (typeof type === 'string' && Object.hasOwn(readers, type)) return type as ModelFamily;
  const names = [...Object.keys(readers), 'moda'];
  const nearest = typeof type === 'string' ? nearestKey(type, names) : null;
  throw new CheckpointError(
    `config.json: model_type must be one of ${names.join(', ')}, got ${shown(type)}. ${nearest ? `The nearest is ${nearest}.` : 'Convert the model first.'}`,
    { key: 'model_type', value: type, nearest },
  );
}

/**
 * The decoder configuration of a Hugging Face `config.json`: `model_type` one of `modelFamilies`, or our own `moda`.
 * Every key is applied, refused, or on the list of those that change nothing (`harmlessKeys`); an absent key has the
 * default that `transformers` gives it.
 *
 * @throws CheckpointError for another architecture, a missing key, a value of the wrong kind, or a feature that is not
 *   supported (named)
 * Reference: transformers, `configuration_<family>.py` and `modeling_<family>.py`, 5.18.
 */
export function configFromHuggingFace(json: Json): DecoderConfig {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new CheckpointError('config.json: the file must hold an object. Download it again.');
  }
  const family = familyNamed(json['model_type']);
  if (family === null) return fromModa(json);
  const config = new CheckedConfig(json);
  refuseEverywhere(config);
  const fields = readers[family](config);
  config.finish();
  return define(fields);
}

/** Our own files hold the whole configuration under one key; the others are there for people. */
function fromModa(json: Json): DecoderConfig {
  const own = json['moda_config'];
  if (typeof own !== 'object' || own === null || Array.isArray(own)) {
    throw new CheckpointError('config.json: moda_config must be an object. Is the file complete?', {
      key: 'moda_config',
    });
  }
  return define(own as DecoderConfigInput);
}

/** Sizes that contradict one another are the file's fault. */
function define(fields: DecoderConfigInput): DecoderConfig {
  try {
    return defineDecoderConfig(fields);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CheckpointError(`config.json: ${error.message}`, {}, { cause: error });
  }
}

/** Features of any family that would change the computation. */
function refuseEverywhere(config: CheckedConfig): void {
  for (const key of ['is_encoder_decoder', 'add_cross_attention']) config.mustBe(key, false);
  config.ignore('is_decoder');
  config.mustBeEmpty('pruned_heads');
  for (const key of ['quantization_config', 'compression_config', 'sparse_attention', 'auto_map'])
    config.mustBeEmpty(key);
}
