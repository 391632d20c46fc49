import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { createDecoder, type Decoder, type ModelFolder, readHuggingFace } from '@modajs/models';
import { downloadModel, openModelFolder } from '@modajs/models/node';
import { CheckpointError, type Device } from '@modajs/tensor';
import { Tokenizer } from '@modajs/tokenizer';

/** A model in Hugging Face's files, on a device, with its tokenizer. */
export interface HuggingFaceModel {
  readonly name: string;
  readonly decoder: Decoder;
  readonly tokenizer: Tokenizer;
  /** `tokenizer.json` as it is in the folder. */
  readonly tokenizerJson: string;
  /** Begins or ends a text. */
  readonly endToken: number;
  /** Whether its tokenizer puts a token before every text, and which. */
  readonly beginToken: number | null;
}

/** `owner/name` of the hub, when there is no such folder here. */
const REPOSITORY = /^[\w.-]+\/[\w.-]+$/;

/** Whether `--model` names a folder of Hugging Face files or a repository of the hub, rather than a run. */
export async function isHuggingFace(model: string): Promise<boolean> {
  const found = await stat(model).catch(() => null);
  return found ? isHuggingFaceFolder(model) : REPOSITORY.test(model);
}

/** Whether a folder holds a model in Hugging Face's files. */
export async function isHuggingFaceFolder(folder: string): Promise<boolean> {
  return (
    (await exists(`${folder}/tokenizer.json`)) &&
    (await exists(`${folder}/model.safetensors`, `${folder}/model.safetensors.index.json`))
  );
}

/**
 * Reads a model from a folder of Hugging Face files, or from the hub with a cache.
 *
 * @throws CheckpointError naming the file that is missing or damaged.
 */
export async function openHuggingFace(model: string, device: Device): Promise<HuggingFaceModel> {
  const isFolder = (await stat(model).catch(() => null)) !== null;
  const folder = isFolder ? await openModelFolder(model) : downloadModel(model, { onProgress: showDownload });
  const { config, parameters } = await readHuggingFace(folder);
  const tokenizerJson = await readText(folder, 'tokenizer.json', model);
  const tokenizer = Tokenizer.fromJson(tokenizerJson);
  const facts = JSON.parse(await readText(folder, 'config.json', model)) as {
    bos_token_id?: number;
    eos_token_id?: number | number[];
  };
  const decoder = createDecoder(config, { device });
  try {
    decoder.loadParameters(parameters);
  } catch (error) {
    decoder.dispose();
    throw error;
  }
  const [beginToken = null] = tokenizer.tokensBefore;
  const end = Array.isArray(facts.eos_token_id) ? facts.eos_token_id[0] : facts.eos_token_id;
  const endToken = end ?? facts.bos_token_id ?? beginToken ?? 0;
  return { name: isFolder ? basename(model) : model, decoder, tokenizer, tokenizerJson, endToken, beginToken };
}

async function readText(folder: ModelFolder, name: string, model: string): Promise<string> {
  const bytes = await folder.read(name);
  if (bytes === null)
    throw new CheckpointError(
      `model: ${model} must have a ${name}, it has none. Copy it from the model's repository.`,
      { name },
    );
  return new TextDecoder().decode(bytes);
}

async function exists(...paths: readonly string[]): Promise<boolean> {
  for (const path of paths) if (await stat(path).catch(() => null)) return true;
  return false;
}

function showDownload(file: string, bytes: number, totalBytes: number | null): void {
  if (process.stderr.isTTY)
    process.stderr.write(`\r\x1b[2K${file}: ${bytes} of ${totalBytes ?? '?'} bytes${bytes === totalBytes ? '\n' : ''}`);
}
