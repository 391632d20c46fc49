import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '@modajs/tensor';
import type { Tokenizer } from '@modajs/tokenizer';
import { openShards, readShardDocuments, type ShardManifest } from '@modajs/tokenizer/node';
import type { SpecialTokens } from '@modajs/train';
import {
  type DataSourceConfig,
  findTokenDocuments,
  type HeldOutText,
  type RunConfig,
  splitTokens,
  type TokenDocuments,
  type WeightedSource,
} from '@modajs/train';
import { inspectTokenFile, type TokenFile, TokenFilesSource } from '@modajs/train/node';
import { loadTokenizer } from './prepare-tokenizer.ts';
import { MANIFEST_FILE } from './token-paths.ts';

/** What a run trains on and holds out of a source that is tokens already. */
export interface TokenData {
  /** The file or folder of tokens, or the text that they were made from when that is known. */
  readonly path: string;
  readonly source: WeightedSource;
  readonly heldOut: HeldOutText | null;
}

/**
 * Opens token data: a folder made by `moda tokenize shards` (checked against its manifest), which gives each source that it was made
 * from, split as the text itself would be; or `.bin` files of llm.c or nanoGPT, whose documents lie between separators.
 *
 * @throws DataError for damaged files, for ids that the tokenizer does not have, and for shards of another tokenizer
 */
export async function openTokenData(
  { path, weight }: DataSourceConfig,
  tokenizer: Tokenizer,
  { data }: RunConfig,
  { end }: SpecialTokens,
): Promise<TokenData[]> {
  const manifest = await manifestOf(path);
  const files = manifest ? shardFiles(path, manifest) : await tokenFiles(path, tokenizer.vocabSize);
  if (manifest) await requireTokenizer(path, tokenizer);
  const all = await TokenFilesSource.open(path, files, tokenizer.vocabSize);
  const documents = manifest
    ? await shardSources(path, manifest, all)
    : [await findTokenDocuments(all, end.at(0) ?? null)];
  const split = { share: data.heldOut, by: data.heldOutBy };
  const opened = documents.map(async (source) => {
    const { train, heldOut } = await splitTokens(source, split, (id) => tokenizer.bytesOf(id).length);
    return { path: source.name, source: { source: train, weight }, heldOut };
  });
  return Promise.all(opened);
}

async function manifestOf(path: string): Promise<ShardManifest | null> {
  const isShards = !path.endsWith('.bin') && (await readdir(path)).includes(MANIFEST_FILE);
  return isShards ? openShards(path) : null;
}

/** The sources that shards were made from, those that had documents. */
async function shardSources(path: string, manifest: ShardManifest, all: TokenFilesSource): Promise<TokenDocuments[]> {
  const { sources, endOfText } = manifest;
  const documents = await readShardDocuments(path, manifest);
  return documents.flatMap((of, i) =>
    of.tokens.length === 0 ? [] : [{ name: sources[i].path, source: all, ...of, separator: endOfText }],
  );
}

/** @throws DataError when ids of the shards mean other tokens to the run */
async function requireTokenizer(path: string, tokenizer: Tokenizer): Promise<void> {
  const beside = await loadTokenizer(join(path, 'tokenizer.json'));
  if (beside.toJson() === tokenizer.toJson()) return;
  throw new DataError(
    `data: ${path} must be read with the tokenizer it was made with, got another of ${tokenizer.vocabSize} tokens (its own has ` +
      `${beside.vocabSize}). Leave tokenizer.path out or set it to ${join(path, 'tokenizer.json')}.`,
    { path },
  );
}

function shardFiles(path: string, { shards, dtype }: ShardManifest): TokenFile[] {
  const bytesPerToken = dtype === 'uint16' ? 2 : 4;
  return shards.map(({ file, tokens }) => ({ path: join(path, file), headerBytes: 0, bytesPerToken, tokens }));
}

async function tokenFiles(path: string, vocabSize: number): Promise<TokenFile[]> {
  if (path.endsWith('.bin')) return [await inspectTokenFile(path, vocabSize)];
  const files = (await readdir(path)).filter((name) => name.endsWith('.bin')).sort();
  return Promise.all(files.map((name) => inspectTokenFile(join(path, name), vocabSize)));
}
