import { CheckpointError, readSafetensors, shown } from '@modajs/tensor';
import type { HostParameter } from '../../decoder/load-parameters.ts';
import type { ModelWeights } from '../model-weights.ts';
import { fromStoredNames } from '../names/stored-names.ts';
import type { Json } from './checked-config.ts';
import { configFromHuggingFace, familyNamed } from './hugging-face-config.ts';
import { familyNames } from './model-family.ts';
import { isPlainFileName, type ModelFolder } from './model-folder.ts';

/**
 * Reads a Hugging Face model: `config.json` and `model.safetensors`, or the shards that
 * `model.safetensors.index.json` names. Tensors are decoded when they are used.
 *
 * @throws CheckpointError naming the file and the key: a missing file or shard, broken JSON, an unknown architecture,
 *   a tensor that its shard does not hold
 */
export async function readHuggingFace(folder: ModelFolder): Promise<ModelWeights> {
  const json = await readJson(folder, 'config.json');
  if (!json) throw missing('config.json', 'Give a folder with config.json and model.safetensors.');
  const config = configFromHuggingFace(json);
  const tensors = await readTensors(folder);
  const family = familyNamed(json['model_type']);
  // Our own files have our own names.
  return { config, parameters: family ? fromStoredNames(familyNames(family), config, tensors) : tensors };
}

async function readTensors(folder: ModelFolder): Promise<Map<string, HostParameter>> {
  const single = await folder.read('model.safetensors');
  if (single) return new Map(readSafetensors(single).tensors);
  const index = await readJson(folder, 'model.safetensors.index.json');
  if (!index) throw missing('model.safetensors', 'Convert .bin weights to safetensors first.');
  const weightMap = readWeightMap(index);
  const tensors = new Map<string, HostParameter>();
  for (const shard of new Set(weightMap.values())) {
    const bytes = await folder.read(shard);
    if (!bytes) throw missing(shard, 'The index names it; download it again.');
    const held = readSafetensors(bytes).tensors;
    for (const name of [...weightMap.keys()].filter((key) => weightMap.get(key) === shard)) {
      const tensor = held.get(name);
      if (!tensor) {
        throw new CheckpointError(
          `${shard}: ${name} must be in this shard as the index says, it is not. Download it again.`,
          {
            file: shard,
            name,
          },
        );
      }
      tensors.set(name, tensor);
    }
  }
  return tensors;
}

/** Shard of each tensor. Shards are files beside the index: a name with a path in it is refused before anything is opened. */
function readWeightMap(index: Json): ReadonlyMap<string, string> {
  const file = 'model.safetensors.index.json';
  const map = index['weight_map'];
  if (typeof map !== 'object' || map === null || Array.isArray(map)) {
    throw new CheckpointError(`${file}: weight_map must be an object, got none. Is the file complete?`, { file });
  }
  for (const [name, shard] of Object.entries(map)) {
    if (typeof shard === 'string' && isPlainFileName(shard) && shard.endsWith('.safetensors')) continue;
    throw new CheckpointError(
      `${file}: ${name} must be in a .safetensors file beside the index, got ${shown(shard)}. Do not trust this file.`,
      { file, name, shard },
    );
  }
  return new Map(Object.entries(map));
}

async function readJson(folder: ModelFolder, name: string): Promise<Json | null> {
  const bytes = await folder.read(name);
  if (!bytes) return null;
  const value = parseJson(bytes, name);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw new CheckpointError(`${name}: the file must hold an object, it does not. Download it again.`, { file: name });
}

function parseJson(bytes: Uint8Array, name: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new CheckpointError(
      `${name}: the file must be JSON in UTF-8, it is not. Download it again.`,
      { file: name },
      {
        cause: error,
      },
    );
  }
}

function missing(file: string, cure: string): CheckpointError {
  return new CheckpointError(`${file}: the file must exist, got none. ${cure}`, { file });
}
