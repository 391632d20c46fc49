import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { createDecoder, type GgufModel, openGguf } from '@modajs/models';
import { openFileSource } from '@modajs/models/node';
import { CheckpointError, ConfigError, type Device } from '@modajs/tensor';
import { Tokenizer, TokenizerError } from '@modajs/tokenizer';
import type { HuggingFaceModel } from './eval-hugging-face.ts';

/** A model of a GGUF file, on a device, with the tokenizer in the file. */
export interface GgufFileModel extends HuggingFaceModel {
  /** All tokens that end a text: of a document, and of a turn in a conversation. */
  readonly endTokens: readonly number[];
}

/** Whether a name is that of a GGUF file. */
export function isGguf(name: string): boolean {
  return /\.gguf$/i.test(name);
}

/**
 * Reads a GGUF file of llama.cpp, one tensor in memory at a time, widened to f32.
 *
 * @throws CheckpointError in one line with file, key and cure
 */
export async function openGgufFile(path: string, device: Device): Promise<GgufFileModel> {
  return withGguf(path, async ({ config, parameters, metadata }) => {
    const tokenizer = tokenizerOf(path, metadata);
    const decoder = createDecoder(config, { device });
    try {
      await decoder.readParameters(parameters);
    } catch (error) {
      decoder.dispose();
      throw error;
    }
    const idOf = (key: string): number | undefined => {
      const id = metadata.get(`tokenizer.ggml.${key}_token_id`);
      return typeof id === 'number' && id < tokenizer.vocabSize ? id : undefined;
    };
    const [beginToken = null] = tokenizer.tokensBefore;
    const endToken = idOf('eos') ?? beginToken ?? idOf('bos') ?? 0;
    const endTokens = [endToken, idOf('eot') ?? endToken];
    const tokenizerJson = tokenizer.toJson();
    return { name: basename(path), decoder, tokenizer, tokenizerJson, endToken, endTokens, beginToken };
  });
}

/** Does something with an open GGUF file, which is closed then. @throws CheckpointError, ConfigError when there is no such file */
export async function withGguf<Result>(path: string, use: (model: GgufModel) => Promise<Result>): Promise<Result> {
  if (!(await stat(path).catch(() => null)))
    throw new ConfigError(`model: ${path} must be a file, got nothing there. Check the path.`, { path });
  const file = await openFileSource(path);
  try {
    return await use(await openGguf(file));
  } finally {
    await file.close();
  }
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
