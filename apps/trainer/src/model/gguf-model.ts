import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { type GgufModel, openGguf } from '@modajs/models';
import { openFileSource } from '@modajs/models/node';
import { CheckpointError, ConfigError } from '@modajs/tensor';
import { Tokenizer, TokenizerError } from '@modajs/tokenizer';
import { readGgufChatTemplate } from '@modajs/tokenizer/chat';
import type { SpecialTokens } from '@modajs/train';
import { compact } from '../terminal/format.ts';
import { type ModelSource, quantizedFormats } from './model-source.ts';

/**
 * A GGUF file of llama.cpp: tensors are read one at a time, widened to f32.
 *
 * @throws CheckpointError in one line with file, key and cure; ConfigError when there is no such file
 */
export async function openGgufModel(path: string): Promise<ModelSource> {
  await requireGgufFile(path);
  const file = await openFileSource(path);
  let model: GgufModel;
  try {
    model = await openGguf(file);
  } catch (error) {
    await file.close();
    throw error;
  }
  const { config, parameters, metadata } = model;
  const name = basename(path);
  return {
    name,
    config,
    facts: factsOf(model),
    origin: null,
    hasBlocks: quantizedFormats(parameters).size > 0,
    prefersF16: false,
    text: async () => {
      const tokenizer = tokenizerOf(path, metadata);
      const special = specialTokensOf(tokenizer, metadata);
      const chat = readGgufChatTemplate(metadata, (id) => tokenizer.tokenOf(id), name);
      return { tokenizer, tokenizerJson: tokenizer.toJson(), special, chat };
    },
    values: async () => ({ label: name, parameters }),
    adapters: async () => [],
    close: () => file.close(),
  };
}

/** @throws ConfigError when there is no file */
export async function requireGgufFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found?.isFile()) return;
  const what = found === null ? 'nothing there' : 'a folder';
  throw new ConfigError(`model: ${path} must be a file, got ${what}. Check the path.`, { path });
}

function factsOf({ metadata, storage }: GgufModel): Record<string, string> {
  const text = (key: string) => String(metadata.get(key) ?? 'not said');
  const stored = [...storage].map(([type, count]) => `${type} ${compact(count)}`).join(', ');
  const [kind, pre] = [text('tokenizer.ggml.model'), metadata.get('tokenizer.ggml.pre')];
  return {
    architecture: text('general.architecture'),
    'numbers stored as': stored,
    tokenizer: pre === undefined ? kind : `${kind}, ${String(pre)}`,
  };
}

/** All tokens that end a text: of a document, and of a turn in a conversation. */
function specialTokensOf(tokenizer: Tokenizer, metadata: GgufModel['metadata']): SpecialTokens {
  const idOf = (key: string): number | undefined => {
    const id = metadata.get(`tokenizer.ggml.${key}_token_id`);
    return typeof id === 'number' && id < tokenizer.vocabSize ? id : undefined;
  };
  const [begin = null] = tokenizer.tokensBefore;
  const end = idOf('eos') ?? begin ?? idOf('bos') ?? 0;
  return { begin, end: [...new Set([end, idOf('eot') ?? end])] };
}

function tokenizerOf(path: string, metadata: GgufModel['metadata']): Tokenizer {
  try {
    return Tokenizer.fromGguf(metadata);
  } catch (error) {
    if (!(error instanceof TokenizerError)) throw error;
    const message = `${basename(path)}: ${error.message.replace(/^tokenizer: /, '')}`;
    throw new CheckpointError(message, { file: path, key: error.place }, { cause: error });
  }
}
