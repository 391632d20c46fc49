import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { configFromHuggingFace, type ModelFolder, readHuggingFace, type StoredParameter } from '@modajs/models';
import { downloadModel, openModelFolder } from '@modajs/models/node';
import { CheckpointError } from '@modajs/tensor';
import { Tokenizer } from '@modajs/tokenizer';
import { readChatTemplate } from '@modajs/tokenizer/chat';
import type { ModelSource } from './model-source.ts';

/** Whether a folder holds weights of a model in Hugging Face's files. */
export async function isHuggingFaceFolder(folder: string): Promise<boolean> {
  const files = ['model.safetensors', 'model.safetensors.index.json'].map((name) => join(folder, name));
  for (const path of files) if (await stat(path).catch(() => null)) return true;
  return false;
}

/** A folder of Hugging Face's files. @throws CheckpointError naming the file that is missing or damaged */
export async function openHuggingFaceFolder(path: string): Promise<ModelSource> {
  return openFiles(await openModelFolder(path), path, basename(path));
}

/** A repository of the hub, with a cache. @throws CheckpointError naming the file that is missing or damaged */
export async function openHubModel(repository: string): Promise<ModelSource> {
  return openFiles(downloadModel(repository, { onProgress: showDownload }), repository, repository);
}

type ConfigFile = Parameters<typeof configFromHuggingFace>[0] & {
  readonly bos_token_id?: number | null;
  readonly eos_token_id?: number | readonly number[] | null;
};

async function openFiles(folder: ModelFolder, place: string, name: string): Promise<ModelSource> {
  const file = parseConfig(await readText(folder, 'config.json', place), place);
  return {
    name,
    config: configFromHuggingFace(file),
    facts: {},
    origin: null,
    hasBlocks: false,
    prefersF16: false,
    text: async () => {
      const tokenizerJson = await readText(folder, 'tokenizer.json', place);
      const tokenizer = Tokenizer.fromJson(tokenizerJson);
      const [begin = null] = tokenizer.tokensBefore;
      const { eos_token_id: eos, bos_token_id: bos } = file;
      const ends = typeof eos === 'number' ? [eos] : (eos ?? []);
      const special = { begin, end: ends.length > 0 ? ends : [bos ?? begin ?? 0] };
      const [tokenizerConfig, templateFile] = await Promise.all(CHAT_FILES.map((file) => findText(folder, file)));
      return { tokenizer, tokenizerJson, special, chat: readChatTemplate({ tokenizerConfig, templateFile }, place) };
    },
    values: async () => {
      const { parameters } = await readHuggingFace(folder).catch((error) => {
        throw error instanceof CheckpointError
          ? new CheckpointError(`${place}: ${error.message}`, error.details)
          : error;
      });
      return { label: name, parameters: heldParameters(parameters) };
    },
    adapters: async () => [],
    close: async () => {},
  };
}

/** Values that are in memory already, as a source gives them. */
export function heldParameters(
  parameters: ReadonlyMap<string, Awaited<ReturnType<StoredParameter['read']>>>,
): ReadonlyMap<string, StoredParameter> {
  return new Map([...parameters].map(([name, value]) => [name, { shape: value.shape, read: async () => value }]));
}

function parseConfig(text: string, place: string): ConfigFile {
  try {
    return JSON.parse(text);
  } catch (error) {
    const { message } = error as Error;
    const path = `${place}/config.json`;
    throw new CheckpointError(`model: ${path} must be JSON: ${message}. Download it again.`, { path });
  }
}

const CHAT_FILES = ['tokenizer_config.json', 'chat_template.jinja'] as const;

async function findText(folder: ModelFolder, name: string): Promise<string | null> {
  const bytes = await folder.read(name);
  return bytes === null ? null : new TextDecoder().decode(bytes);
}

async function readText(folder: ModelFolder, name: string, place: string): Promise<string> {
  const text = await findText(folder, name);
  if (text !== null) return text;
  throw new CheckpointError(`model: ${place} must have a ${name}, it has none. Copy it from the model's repository.`, {
    name,
  });
}

function showDownload(file: string, bytes: number, totalBytes: number | null): void {
  if (process.stderr.isTTY)
    process.stderr.write(`\r\x1b[2K${file}: ${bytes} of ${totalBytes ?? '?'} bytes${bytes === totalBytes ? '\n' : ''}`);
}
