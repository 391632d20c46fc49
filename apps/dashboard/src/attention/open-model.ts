import { createDecoder, type Decoder, readHuggingFace } from '@modajs/models';
import { CheckpointError, type Device } from '@modajs/tensor';
import { Tokenizer } from '@modajs/tokenizer';
import { openRun } from '@modajs/train';
import { unzipSync } from 'fflate';
import type { ModelFiles } from './attention-messages.ts';

/** A model with what it needs to read text; the caller disposes of the decoder. */
export interface OpenedModel {
  readonly decoder: Decoder;
  readonly tokenizer: Tokenizer;
}

/**
 * Opens a model from the files a visitor gave: a run (`config.json`, `tokenizer.json`, and `checkpoints/` or one
 * `model.safetensors`), a Hugging Face model with its `tokenizer.json`, or a zip of either.
 *
 * @throws CheckpointError naming the file that is missing or damaged
 */
export async function openModel(given: ModelFiles, device: Device): Promise<OpenedModel> {
  const files = withoutFolder(unzipped(given));
  const tokenizerJson = files.get('tokenizer.json');
  if (!tokenizerJson) throw missing('tokenizer.json');
  const config = parseConfig(files);
  if (typeof config.model === 'object' && config.model !== null) {
    const { model, tokenizer } = await openRun(files, { device });
    return { decoder: model, tokenizer };
  }
  const tokenizer = Tokenizer.fromJson(new TextDecoder().decode(tokenizerJson));
  const weights = await readHuggingFace({ read: async (name) => files.get(name) ?? null });
  const decoder = createDecoder(weights.config, { device });
  try {
    decoder.loadParameters(weights.parameters);
    return { decoder, tokenizer };
  } catch (error) {
    decoder.dispose();
    throw error;
  }
}

function unzipped(files: ModelFiles): ModelFiles {
  const all = new Map<string, Uint8Array>();
  for (const [path, bytes] of files) {
    if (!path.endsWith('.zip')) all.set(path, bytes);
    else for (const [name, content] of Object.entries(unzipSync(bytes))) all.set(name, content);
  }
  return all;
}

/** Paths below the folder that holds `config.json`, wherever the visitor began to drag. */
function withoutFolder(files: ModelFiles): Map<string, Uint8Array> {
  const configs = [...files.keys()].filter((path) => /(^|\/)config\.json$/.test(path));
  const nearest = configs.sort((a, b) => a.length - b.length)[0];
  if (nearest === undefined) throw missing('config.json');
  const folder = nearest.slice(0, -'config.json'.length);
  return new Map(
    [...files].flatMap(([path, bytes]) => (path.startsWith(folder) ? [[path.slice(folder.length), bytes]] : [])),
  );
}

function parseConfig(files: ReadonlyMap<string, Uint8Array>): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(new TextDecoder().decode(files.get('config.json')));
  } catch {
    throw new CheckpointError('config.json: the file must be JSON, it is not. Was it edited?', { file: 'config.json' });
  }
}

function missing(file: string): CheckpointError {
  return new CheckpointError(
    `${file}: the file must be among those given, it is not. Give a run's folder, or config.json, tokenizer.json and model.safetensors together.`,
    { file },
  );
}
