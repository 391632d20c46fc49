import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  createLlamaCppScorer,
  createScorerModel,
  type LlamaCppModel,
  type LlamaCppSequence,
  llamaCppTokenizer,
} from '@modajs/eval';
import { ConfigError } from '@modajs/tensor';
import { requireGgufFile } from '../model/gguf-model.ts';
import type { ModelOptions, OpenedModel } from './eval-model.ts';

/** The part of `node-llama-cpp` used here; it is installed by those who want it. */
interface LlamaCpp {
  getLlama(options: object): Promise<{
    loadModel(options: { modelPath: string }): Promise<
      LlamaCppModel & {
        readonly fileInsights: { readonly vocabularySize?: number };
        readonly fileInfo: {
          readonly metadata: { readonly tokenizer: { readonly ggml: { readonly tokens: readonly string[] } } };
        };
        readonly trainContextSize: number;
        createContext(options: object): Promise<{ getSequence(): LlamaCppSequence }>;
      }
    >;
    dispose(): Promise<void>;
  }>;
}

/** Opens a GGUF file on the CPU. @throws ConfigError when there is no such file or node-llama-cpp is not installed */
export async function openLlamaCpp(
  modelPath: string,
  { threads, batchTokens, longContext }: ModelOptions,
): Promise<OpenedModel> {
  await requireGgufFile(modelPath);
  // A name in a variable keeps bundlers from asking for an optional package.
  const name = 'node-llama-cpp';
  const { getLlama } = await (import(name) as Promise<LlamaCpp>).catch((error: Error) => {
    throw new ConfigError(
      `eval: device llama.cpp needs the package node-llama-cpp, got ${error.message}. Install it beside moda.`,
    );
  });
  const llama = await getLlama({
    gpu: false,
    build: 'never',
    ...(threads === undefined ? {} : { maxThreads: threads }),
  });
  const loaded = await llama.loadModel({ modelPath });
  const context = await loaded.createContext({ contextSize: loaded.trainContextSize });
  const tokenizer = llamaCppTokenizer(loaded);
  const vocabSize = loaded.fileInfo.metadata.tokenizer.ggml.tokens.length;
  const hash = await hashFile(modelPath);
  const { bos, eos } = loaded.tokens;
  const model = createScorerModel(createLlamaCppScorer(context.getSequence(), { vocabSize }), tokenizer, {
    identity: { name: basename(modelPath), modelHash: hash, tokenizerHash: hash, device: 'llama.cpp' },
    prefixToken: bos ?? eos ?? 0,
    addPrefixToken: bos !== null,
    endToken: eos ?? undefined,
    maxTokens: batchTokens,
    longContext,
  });
  return { model, tokenizer, vocabSize, separator: eos ?? bos ?? 0, close: () => llama.dispose() };
}

/** SHA-256 of a file, read in pieces. */
async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await using file = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(`eval: ${path} must be readable, got ${error.code}.`);
  });
  for await (const piece of file.createReadStream()) hash.update(piece as Buffer);
  return hash.digest('hex');
}
