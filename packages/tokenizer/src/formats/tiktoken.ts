import { bytesToAlphabet } from '../bpe/byte-alphabet.ts';
import { LIMITS } from '../config/limits.ts';
import type { AddedTokenJson, TokenizerJson } from '../config/tokenizer-json.ts';
import { shown, TokenizerError } from '../errors.ts';
import { type PatternName, patterns } from '../split/known-patterns.ts';
import { bpeModel } from './bpe-model.ts';
import { mergesFromRanks } from './merges-from-ranks.ts';

export interface TiktokenOptions {
  /** A known pattern by name, or a regular expression of the encoding's own. */
  readonly pattern: PatternName | (string & {});
  /** Special tokens and their ids. */
  readonly specialTokens?: Readonly<Record<string, number>>;
}

/** A file of another format as the parts a tokenizer is made of. */
export interface ConvertedTokenizer {
  readonly config: TokenizerJson;
  readonly mergeRanks: Int32Array;
}

/** The pre-tokenizer part for a pattern, by name or source. */
export function patternPreTokenizer(pattern: string): TokenizerJson['pre_tokenizer'] {
  const source = (patterns as Readonly<Record<string, string>>)[pattern] ?? pattern;
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true };
  if (source === patterns.gpt2) return { ...byteLevel, use_regex: true };
  return {
    type: 'Sequence',
    pretokenizers: [
      { type: 'Split', pattern: { Regex: source }, behavior: 'Isolated', invert: false },
      { ...byteLevel, use_regex: false },
    ],
  };
}

/** tiktoken's `{n,m}+` is possessive; in a tokenizer.json it would repeat, so it becomes an atomic group. */
const asOniguruma = (pattern: string) =>
  pattern.replace(/((?:\\[pP]\{\w+\}|\\\w|\[[^\]]+\])\{\d+(?:,\d*)?\})\+/g, '(?>$1)');

/** The decoder of byte-level tokenizers. */
export const byteLevelDecoder = {
  type: 'ByteLevel',
  add_prefix_space: true,
  trim_offsets: true,
  use_regex: true,
} as const;

/**
 * Converts tiktoken's ranks. Its rule, the lowest-ranked token that two neighbours make, becomes merge rules of equal rank.
 *
 * @throws {TokenizerError} a line that is not base64 and a rank; a token or a rank that comes twice; a special token with the id of
 *   another; tokens so long that their cuts are too many to look up
 */
export function readTiktoken(ranks: string, { pattern, specialTokens = {} }: TiktokenOptions): ConvertedTokenizer {
  const byRank = readRanks(ranks);
  const written = (token: string) => bytesToAlphabet(Uint8Array.from(token, (character) => character.charCodeAt(0)));
  const { merges, ranks: mergeRanks } = mergesFromRanks(
    byRank.map(({ token }) => token),
    (token) => token,
    written,
  );
  const vocab = Object.fromEntries(byRank.map(({ rank, token }) => [written(token), rank]));
  const model = bpeModel(vocab, merges, { ignore_merges: true });
  const config: TokenizerJson = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(specialTokens, new Set(byRank.map(({ rank }) => rank))),
    normalizer: null,
    pre_tokenizer: patternPreTokenizer(asOniguruma(pattern)) ?? null,
    post_processor: null,
    decoder: byteLevelDecoder,
    model,
  };
  return { config, mergeRanks };
}

/** Tokens as strings of bytes, in the order of their ranks. */
function readRanks(text: string): { rank: number; token: string }[] {
  const byRank: { rank: number; token: string }[] = [];
  const lineOfRank = new Map<number, number>();
  const lineOfToken = new Map<string, number>();
  let cuts = 0;
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const place = `line ${index + 1}`;
    const { rank, token } = readLine(line, place);
    const twice = lineOfRank.get(rank) ?? lineOfToken.get(token);
    if (twice !== undefined)
      refuseLine(place, `must have a token and a rank of its own, got ${shown(line)} after line ${twice}`);
    cuts += token.length ** 2;
    if (cuts > LIMITS.cuts) refuseLine(place, `must have tokens of a usual length, got one of ${token.length} bytes`);
    lineOfRank.set(rank, index + 1);
    lineOfToken.set(token, index + 1);
    byRank.push({ rank, token });
  }
  return byRank.sort((a, b) => a.rank - b.rank);
}

function readLine(line: string, place: string): { rank: number; token: string } {
  const [, base64, digits] = /^([A-Za-z0-9+/]+={0,2}) (\d+)\s*$/.exec(line) ?? [];
  if (base64 === undefined || base64.length % 4 !== 0)
    refuseLine(place, `must be a base64 token and its rank, got ${shown(line)}`);
  const rank = Number(digits);
  if (rank >= LIMITS.id) refuseLine(place, `must have a rank below ${LIMITS.id}, got ${shown(line)}`);
  return { rank, token: atob(base64) };
}

function refuseLine(place: string, problem: string): never {
  throw new TokenizerError('tokenizer', `${place} of a tiktoken file ${problem}.`, { place });
}

function addedTokens(specialTokens: Readonly<Record<string, number>>, ranks: ReadonlySet<number>): AddedTokenJson[] {
  const ids = new Set(ranks);
  const added = Object.entries(specialTokens).map(([content, id]) => {
    const isFree = Number.isInteger(id) && id >= 0 && id < LIMITS.id && !ids.has(id);
    if (content === '' || !isFree) {
      throw new TokenizerError(
        'tokenizer',
        `specialTokens must be texts with ids of their own from 0 to ${LIMITS.id - 1}, got ${shown(content)} with ${shown(id)}${ids.has(id) ? ', the id of another token' : ''}.`,
        { place: `specialTokens[${JSON.stringify(content)}]` },
      );
    }
    ids.add(id);
    return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  });
  return added.sort((a, b) => a.id - b.id);
}
