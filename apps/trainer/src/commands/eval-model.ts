import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  createDecoderScorer,
  createScorerModel,
  type EvaluationModel,
  type EvaluationTokenizer,
  type OnAttention,
} from '@modajs/eval';
import type { Decoder } from '@modajs/models';
import { ConfigError, type Device, type DeviceName } from '@modajs/tensor';
import type { Tokenizer } from '@modajs/tokenizer';
import type { LoadedModel } from '../model/model-source.ts';
import { isGguf, loadNamedModel } from '../model/open-model-source.ts';
import { openDevice } from '../run/open-device.ts';
import { openLlamaCpp } from './eval-llama-cpp.ts';

/** Command-line options that say which model to score, and how. */
export interface ModelOptions {
  readonly model?: string;
  readonly out: string;
  /** `llama.cpp` runs a GGUF file in node-llama-cpp. */
  readonly device: DeviceName | 'llama.cpp';
  readonly threads?: number;
  readonly step?: number | 'best';
  readonly average?: boolean;
  readonly batchTokens: number;
  readonly longContext: 'error' | 'truncate';
}

/** A model to evaluate and its tokenizer's text side. */
export interface OpenedModel {
  readonly model: EvaluationModel;
  readonly tokenizer: EvaluationTokenizer;
  readonly vocabSize: number;
  /** Token between documents in this model's shards. */
  readonly separator: number;
  /** Frees the model's memory and its device. */
  close(): Promise<void>;
}

/**
 * Opens `--model`: a GGUF file (on our devices, or by `--device llama.cpp` in node-llama-cpp), a folder or repository in Hugging
 * Face's files, or a run.
 *
 * @throws ConfigError when there is no such model, or node-llama-cpp was asked for and is not installed.
 */
export async function openModel(options: ModelOptions, onAttention?: OnAttention): Promise<OpenedModel> {
  if (options.model === undefined)
    throw new ConfigError('eval: there must be a model, got none. Use --model <run or .gguf file>.');
  const { model } = options;
  if (options.device === 'llama.cpp') {
    if (isGguf(model)) return openLlamaCpp(model, options);
    throw new ConfigError(`eval: device llama.cpp must have a .gguf model, got ${model}. Use another device.`, {
      model,
    });
  }
  const device = await openDevice({ device: options.device, threads: options.threads ?? null });
  try {
    const loaded = await loadNamedModel(model, options, device);
    return await asEvaluationModel(loaded, device, options, onAttention);
  } catch (error) {
    device.destroy();
    throw error;
  }
}

async function asEvaluationModel(
  loaded: LoadedModel,
  device: Device,
  options: ModelOptions,
  onAttention?: OnAttention,
): Promise<OpenedModel> {
  const { decoder } = loaded;
  const [endToken = 0] = loaded.special.end;
  const { begin } = loaded.special;
  const tokenizer = plainText(loaded.tokenizer);
  const identity = {
    name: loaded.name,
    modelHash: await hashWeights(decoder),
    tokenizerHash: createHash('sha256').update(loaded.tokenizerJson).digest('hex'),
    device: `${device}`,
  };
  const model = createScorerModel(createDecoderScorer(decoder, { onAttention }), tokenizer, {
    identity,
    prefixToken: begin ?? endToken,
    addPrefixToken: begin !== null,
    endToken,
    maxTokens: options.batchTokens,
    longContext: options.longContext,
  });
  const close = async () => {
    decoder.dispose();
    device.destroy();
  };
  return { model, tokenizer, vocabSize: decoder.config.vocabSize, separator: endToken, close };
}

/** Text that looks like a special token is text here, and nothing is put in. */
export function plainText(tokenizer: Tokenizer): EvaluationTokenizer {
  return {
    encode: (text) => tokenizer.encode(text, { specialTokens: 'text', addSpecialTokens: false }),
    decode: (ids) => tokenizer.decode(ids),
  };
}

/** SHA-256 over names and values of all parameters as they are used. */
async function hashWeights(decoder: Decoder): Promise<string> {
  const hash = createHash('sha256');
  for (const [name, parameter] of Object.entries(decoder.parameters())) {
    const values = await parameter.data();
    hash.update(name);
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest('hex');
}

/** A run's or another `tokenizer.json` as the harness reads text. */
export async function openTokenizer(path: string): Promise<EvaluationTokenizer & { readonly vocabSize: number }> {
  const { Tokenizer: Reader } = await import('@modajs/tokenizer');
  const json = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(`eval: ${path} must be a readable tokenizer.json, got ${error.code}. Check --tokenizer.`);
  });
  const tokenizer = Reader.fromJson(json);
  return { ...plainText(tokenizer), vocabSize: tokenizer.vocabSize };
}
