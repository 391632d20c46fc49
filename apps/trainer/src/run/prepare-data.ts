import { ConfigError, unknownName } from '@modajs/tensor';
import {
  DOCUMENT_SEPARATOR,
  type HeldOutText,
  prepareText,
  type RunConfig,
  type SpecialTokens,
  type SplitSource,
  splitSource,
  type WeightedSource,
} from '@modajs/train';
import { documentSeparator } from '../model/special-tokens.ts';
import { type ChatData, type ChatText, isChatData, openChatData } from './chat-data.ts';
import { readDocuments } from './read-documents.ts';
import { sourceNames } from './source-names.ts';
import { isTokenData } from './token-paths.ts';
import { openTokenData, type TokenData } from './token-shards.ts';

/** Reads and splits every text source of a configuration; tokens and conversations are left for `prepareData`. @throws DataError */
export async function readSources({ data }: RunConfig): Promise<SplitSource[]> {
  const sources: SplitSource[] = [];
  const names = sourceNames(data.sources.map(({ path }) => path));
  for (const [i, { path, weight }] of data.sources.entries()) {
    if ((await isTokenData(path)) || (await isChatData(path))) continue;
    const documents = await readDocuments(path, data.onInvalid);
    sources.push({ name: names[i], weight, split: splitSource(documents, data) });
  }
  return sources;
}

/** What a run reads. */
export interface PreparedData {
  readonly sources: readonly WeightedSource[];
  readonly heldOut: readonly HeldOutText[];
  /** Ends a document when documents are packed; else null. */
  readonly separator: number | null;
  /** What was cut or left out of conversations. */
  readonly notes: readonly string[];
}

/**
 * All sources as tokens: texts first, then token data, then conversations. The caller closes the sources.
 *
 * @param T tokens of a training sequence; null where conversations are refused
 * @throws DataError
 */
export async function prepareData(
  texts: readonly SplitSource[],
  text: ChatText,
  config: RunConfig,
  T: number | null,
): Promise<PreparedData> {
  const { data } = config;
  const { tokenizer, special } = text;
  const separator = packingSeparator(special, data);
  const prepared = prepareText(texts, tokenizer, documentSeparator(special));
  const stored: (TokenData | ChatData)[] = [];
  for (const source of data.sources) {
    if (await isTokenData(source.path)) stored.push(...(await openTokenData(source, tokenizer, config, special)));
  }
  for (const source of data.sources) {
    if (await isChatData(source.path)) stored.push(await openChatData(source, text, config, requireLength(T, source)));
  }
  const taken = texts.map(({ name }) => name);
  const names = sourceNames([...taken, ...stored.map(({ path }) => path)]).slice(taken.length);
  const named = stored.map((opened, i) => withName(opened, names[i]));
  const sources = [...prepared.sources, ...named.map(({ source }) => source)];
  return {
    sources: mixed(sources, data.mixture),
    heldOut: [...prepared.heldOut, ...named.flatMap(({ heldOut }) => heldOut ?? [])],
    separator,
    notes: stored.flatMap((opened) => ('note' in opened && opened.note !== null ? [opened.note] : [])),
  };
}

function requireLength(T: number | null, { path }: RunConfig['data']['sources'][number]): number {
  if (T !== null) return T;
  throw new ConfigError(`study: sources must hold text or tokens, got conversations in ${path}. Use moda train.`, {
    path,
  });
}

/** Sources with their shares of the mixture. */
function mixed(sources: readonly WeightedSource[], mixture: RunConfig['data']['mixture']): readonly WeightedSource[] {
  switch (mixture) {
    case 'equal':
      return sources;
    case 'proportional':
      return sources.map(weighedBySize);
    default:
      return unknownName('data.mixture', mixture);
  }
}

const weighedBySize = ({ source, weight }: WeightedSource): WeightedSource => ({
  source,
  weight: weight * source.length,
});

function withName({ path, source, heldOut }: TokenData | ChatData, name: string): TokenData {
  return {
    path,
    source: { ...source, source: { ...source.source, name } },
    heldOut: heldOut && { ...heldOut, name },
  };
}

/** @throws ConfigError when documents are to be packed and the tokenizer has nothing that ends one */
function packingSeparator(special: SpecialTokens, { packing }: RunConfig['data']): number | null {
  switch (packing) {
    case 'stream':
      return null;
    case 'documents':
      return requireSeparator(special);
    default:
      return unknownName('data.packing', packing);
  }
}

function requireSeparator({ end }: SpecialTokens): number {
  if (end.length > 0) return end[0];
  throw new ConfigError(
    `config: data.packing=documents needs a tokenizer with ${DOCUMENT_SEPARATOR}, this one has none. ` +
      'Use data.packing=stream or another tokenizer.path.',
  );
}
