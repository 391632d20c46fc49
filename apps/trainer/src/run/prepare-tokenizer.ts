import { readFile } from 'node:fs/promises';
import { ConfigError } from '@modajs/tensor';
import { Tokenizer, trainBpe } from '@modajs/tokenizer';
import { DOCUMENT_SEPARATOR, type RunConfig, type SplitSource } from '@modajs/train';
import { isTokenData, tokenizerBeside } from './token-paths.ts';

/**
 * The tokenizer of a run: the file that the configuration names, the one beside token data, or one trained on the training
 * part of the texts.
 *
 * @throws ConfigError when the file cannot be read; TokenizerError when it is no tokenizer
 */
export async function prepareTokenizer(
  { tokenizer, data }: RunConfig,
  sources: readonly SplitSource[],
): Promise<Tokenizer> {
  if (tokenizer.path !== null) return loadTokenizer(tokenizer.path);
  for (const { path } of data.sources) {
    if (!(await isTokenData(path))) continue;
    const beside = await tokenizerBeside(path);
    if (beside !== null) return loadTokenizer(beside);
    throw new ConfigError(
      `config: tokenizer.path must name the tokenizer that ${path} was made with, got null. Set it.`,
      {
        path,
      },
    );
  }
  if (sources.length === 0) {
    const { path } = data.sources[0];
    throw new ConfigError(
      `config: tokenizer.path must name a tokenizer for the conversations of ${path}, got null. Set it, or start from a model.`,
      { path },
    );
  }
  return trainBpe(
    sources.flatMap(({ split }) => split.train),
    { vocabSize: tokenizer.vocabSize, specialTokens: [DOCUMENT_SEPARATOR] },
  );
}

/** Reads a `tokenizer.json`. @throws ConfigError when the file cannot be read; TokenizerError when it is no tokenizer */
export async function loadTokenizer(path: string): Promise<Tokenizer> {
  return Tokenizer.fromJson(await readTokenizerJson(path));
}

/** The text of a `tokenizer.json`. @throws ConfigError when the file cannot be read */
export async function readTokenizerJson(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(
      `config: ${path} must be a readable tokenizer.json, got ${error.code}. Check tokenizer.path.`,
      {
        path,
      },
    );
  });
}
