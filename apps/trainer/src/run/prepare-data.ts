import { ConfigError, unknownName } from '@modajs/tensor';
import { documentHash, type Tokenizer } from '@modajs/tokenizer';
import {
  DOCUMENT_SEPARATOR,
  type HeldOutText,
  prepareText,
  type RunConfig,
  type SplitSource,
  splitDocuments,
  splitText,
  type TextSplit,
  type WeightedSource,
} from '@modajs/train';
import { documentSeparator, ownSpecialTokens, type SpecialTokens } from '../model/special-tokens.ts';
import { readDocuments } from './read-documents.ts';
import { sourceNames } from './source-names.ts';
import { isTokenData, openTokenData, type TokenData } from './token-shards.ts';

/** Reads and splits every text source of a configuration; sources of tokens are left for `prepareData`. @throws DataError */
export async function readSources({ data }: RunConfig): Promise<SplitSource[]> {
  const sources: SplitSource[] = [];
  const names = sourceNames(data.sources.map(({ path }) => path));
  for (const [i, { path, weight }] of data.sources.entries()) {
    if (await isTokenData(path)) continue;
    const documents = await readDocuments(path, data.onInvalid);
    sources.push({ name: names[i], weight, split: splitSource(documents, data) });
  }
  return sources;
}

/** Training and held-out documents of a source as `data.heldOut` and `data.heldOutBy` say. */
export function splitSource(
  documents: readonly string[],
  { heldOut, heldOutBy }: Pick<RunConfig['data'], 'heldOut' | 'heldOutBy'>,
): TextSplit {
  switch (heldOutBy) {
    case 'end':
      return splitText(documents, heldOut);
    case 'document':
      return splitDocuments(documents, heldOut, documentHash);
    default:
      return unknownName('data.heldOutBy', heldOutBy);
  }
}

/** What a run reads. */
export interface PreparedData {
  readonly sources: readonly WeightedSource[];
  readonly heldOut: readonly HeldOutText[];
  /** Ends a document when documents are packed; else null. */
  readonly separator: number | null;
}

/**
 * All sources as tokens: texts first, then token data. The caller closes the sources.
 *
 * @throws DataError
 */
export async function prepareData(
  texts: readonly SplitSource[],
  tokenizer: Tokenizer,
  config: RunConfig,
  special: SpecialTokens = ownSpecialTokens(tokenizer),
): Promise<PreparedData> {
  const { data } = config;
  const separator = packingSeparator(special, data);
  const prepared = prepareText(texts, tokenizer, documentSeparator(special));
  const stored: TokenData[] = [];
  for (const source of data.sources) {
    if (await isTokenData(source.path)) stored.push(...(await openTokenData(source, tokenizer, config, special)));
  }
  const taken = texts.map(({ name }) => name);
  const names = sourceNames([...taken, ...stored.map(({ path }) => path)]).slice(taken.length);
  const named = stored.map((opened, i) => withName(opened, names[i]));
  const sources = [...prepared.sources, ...named.map(({ source }) => source)];
  return {
    sources: mixed(sources, data.mixture),
    heldOut: [...prepared.heldOut, ...named.flatMap(({ heldOut }) => heldOut ?? [])],
    separator,
  };
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

function withName({ path, source, heldOut }: TokenData, name: string): TokenData {
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
