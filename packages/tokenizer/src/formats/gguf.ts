import { LIMITS } from '../config/limits.ts';
import { refuse } from '../config/part.ts';
import type { AddedTokenJson, BpeJson, TokenizerJson } from '../config/tokenizer-json.ts';
import { shown } from '../errors.ts';
import { bpeModel, vocabOf } from './bpe-model.ts';
import { ggufWords } from './gguf-words.ts';
import { mergesFromRanks } from './merges-from-ranks.ts';
import { byteLevelDecoder, type ConvertedTokenizer } from './tiktoken.ts';

/** The keys of a GGUF file by name; those of the tokenizer are read. */
export type GgufKeys = ReadonlyMap<string, unknown>;

const PREFIX = 'tokenizer.ggml.';
/** llama.cpp's kinds of tokens. */
const UNKNOWN = 2;
const CONTROL = 3;
const USER_DEFINED = 4;

/**
 * Converts the tokenizer in a GGUF file: `llama` (SentencePiece's BPE: pairs merge by the score of the token they make, unknown
 * characters fall back to bytes) or `gpt2` (byte-level BPE with merges).
 *
 * @throws {TokenizerError} another kind, a missing key, a value of another type, a token that is there twice, lists of unlike lengths
 * Reference: llama.cpp, `llama-vocab.cpp`.
 */
export function readGgufTokenizer(keys: GgufKeys): ConvertedTokenizer | { readonly config: TokenizerJson } {
  const file = new Keys(keys);
  const kind = file.text('model');
  if (kind === 'llama') return scored(file);
  if (kind === 'gpt2') return { config: byteLevel(file) };
  refuse(`${PREFIX}model`, `must be llama or gpt2, got ${shown(kind)}. Use the tokenizer.json of the model.`);
}

function scored(file: Keys): ConvertedTokenizer {
  const tokens = file.tokens();
  const scores = file.numbers('scores', tokens.length);
  const bad = scores.findIndex((score) => !Number.isFinite(score));
  if (bad >= 0) refuse(`${PREFIX}scores[${bad}]`, `must be a finite number, got ${scores[bad]}.`);
  const ids = new Map(tokens.map((token, id) => [token, id]));
  checkCharacters(tokens, ids);
  const byScore = [...tokens.keys()].sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
  const { merges, ranks } = mergesFromRanks(
    byScore.map((id) => tokens[id] as string),
    (token) => token,
    (token) => token,
  );
  // Tokens of one score have one rank: of their pairs the leftmost merges first.
  const rankOf = new Int32Array(byScore.length);
  for (let at = 1; at < byScore.length; at++) {
    const isSame = scores[byScore[at] as number] === scores[byScore[at - 1] as number];
    rankOf[at] = (rankOf[at - 1] as number) + (isSame ? 0 : 1);
  }
  const addsSpace = file.flag('add_space_prefix', true);
  const unknown = tokens[file.id('unknown_token_id', 0, tokens.length)] ?? null;
  const space = { type: 'Replace', pattern: { String: ' ' }, content: '▁' };
  const model = bpeModel(vocabOf(tokens), merges, { unk_token: unknown, fuse_unk: true, byte_fallback: true });
  const config = framed(file, tokens, model, {
    normalizer: addsSpace ? { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '▁' }, space] } : space,
    pre_tokenizer: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        ...(addsSpace ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
      ],
    },
    ends: { begin: 1, end: 2, addsBegin: true },
  });
  return { config, mergeRanks: ranks.map((rank) => rankOf[rank] as number) };
}

function byteLevel(file: Keys): TokenizerJson {
  const tokens = file.tokens();
  const pre = file.text('pre', 'default');
  const words =
    ggufWords.get(pre) ??
    refuse(
      `${PREFIX}pre`,
      `must be one of ${[...ggufWords.keys()].join(', ')}, got ${shown(pre)}. Use the tokenizer.json of the model.`,
    );
  const model = bpeModel(vocabOf(tokens), file.texts('merges'), { ignore_merges: words.ignoresMerges });
  return framed(file, tokens, model, {
    normalizer: null,
    pre_tokenizer: words.preTokenizer,
    decoder: byteLevelDecoder,
    ends: { addsBegin: words.addsBegin },
  });
}

interface Frame extends Pick<TokenizerJson, 'normalizer' | 'pre_tokenizer' | 'decoder'> {
  /** What holds where the file does not say. */
  readonly ends: { readonly begin?: number; readonly end?: number; readonly addsBegin: boolean };
}

function framed(file: Keys, tokens: readonly string[], model: BpeJson, { ends, ...parts }: Frame): TokenizerJson {
  const around = (key: string, flag: string, fallback: number | undefined, adds: boolean) =>
    file.flag(flag, adds) ? [file.id(key, fallback, tokens.length)] : [];
  const before = around('bos_token_id', 'add_bos_token', ends.begin, ends.addsBegin);
  const after = around('eos_token_id', 'add_eos_token', ends.end, false);
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(tokens, file.has('token_type') ? file.numbers('token_type', tokens.length) : []),
    normalizer: parts.normalizer ?? null,
    pre_tokenizer: parts.pre_tokenizer ?? null,
    post_processor: template(tokens, before, after),
    decoder: parts.decoder ?? null,
    model,
  };
}

function addedTokens(tokens: readonly string[], types: ArrayLike<number>): AddedTokenJson[] {
  const added: AddedTokenJson[] = [];
  for (const [id, content] of tokens.entries()) {
    const type = types[id];
    if (type !== UNKNOWN && type !== CONTROL && type !== USER_DEFINED) continue;
    const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
    added.push({ id, content, ...flags, special: type !== USER_DEFINED });
  }
  return added;
}

/** Puts tokens around a text; null for none. */
function template(
  tokens: readonly string[],
  before: readonly number[],
  after: readonly number[],
): TokenizerJson['post_processor'] {
  if (before.length + after.length === 0) return null;
  const special = (ids: readonly number[], type_id: number) =>
    ids.map((id) => ({ SpecialToken: { id: tokens[id] as string, type_id } }));
  const text = (id: string, type_id: number) => [
    ...special(before, type_id),
    { Sequence: { id, type_id } },
    ...special(after, type_id),
  ];
  const used = [...before, ...after].map((id) => {
    const token = tokens[id] as string;
    return [token, { id: token, ids: [id], tokens: [token] }];
  });
  return {
    type: 'TemplateProcessing',
    single: text('A', 0),
    pair: [...text('A', 0), ...text('B', 1)],
    special_tokens: Object.fromEntries(used),
  };
}

/**
 * llama.cpp merges texts, this package tokens: the same as long as what merges is a token.
 *
 * @throws {TokenizerError} a token that would come of a character without a token
 */
function checkCharacters(tokens: readonly string[], ids: ReadonlyMap<string, number>): void {
  let cuts = 0;
  for (const [id, token] of tokens.entries()) {
    const characters = [...token];
    cuts += characters.length ** 2;
    if (cuts > LIMITS.cuts)
      refuse(`${PREFIX}tokens[${id}]`, `must be of a usual length, got ${token.length} characters.`);
    if (characters.length < 2) continue;
    const [first, last] = [characters[0] as string, characters.at(-1) as string];
    const isPart = (text: string, count: number) => count === 1 || ids.has(text);
    const rest = token.slice(first.length);
    const start = token.slice(0, token.length - last.length);
    if (
      (!ids.has(first) && isPart(rest, characters.length - 1)) ||
      (!ids.has(last) && isPart(start, characters.length - 1))
    ) {
      const character = shown(ids.has(first) ? last : first);
      refuse(
        `${PREFIX}tokens[${id}]`,
        `must be of characters that are tokens, but ${character} of ${shown(token)} is none. Use the tokenizer.json of the model.`,
      );
    }
  }
}

/** The tokenizer's keys, each read as what it must be. */
class Keys {
  readonly #keys: GgufKeys;

  constructor(keys: GgufKeys) {
    this.#keys = keys;
  }

  has(key: string): boolean {
    return this.#keys.has(PREFIX + key);
  }

  text(key: string, fallback?: string): string {
    const value = this.#get(key) ?? fallback;
    if (typeof value === 'string') return value;
    return this.#refuse(key, 'text', value);
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.#get(key) ?? fallback;
    if (typeof value === 'boolean') return value;
    return this.#refuse(key, 'true or false', value);
  }

  /** The id of one of `count` tokens. */
  id(key: string, fallback: number | undefined, count: number): number {
    const value = this.#get(key) ?? fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < count) return value;
    return this.#refuse(key, `the id of one of ${count} tokens`, value);
  }

  texts(key: string): readonly string[] {
    const value = this.#get(key);
    if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
    return this.#refuse(key, 'a list of texts', value);
  }

  numbers(key: string, count: number): ArrayLike<number> & { findIndex(holds: (one: number) => boolean): number } {
    const value = this.#get(key);
    const isList = (Array.isArray(value) && value.every((one) => typeof one === 'number')) || isNumbers(value);
    if (!isList) return this.#refuse(key, 'a list of numbers', value);
    const list = value as Float64Array;
    if (list.length === count) return list;
    return refuse(PREFIX + key, `must have one number a token, got ${list.length} for ${count} tokens.`);
  }

  /** All tokens by id, each there once; one without text gets llama.cpp's name for it. */
  tokens(): string[] {
    const tokens = this.texts('tokens').map((token, id) => token || `[EMPTY_${id}]`);
    if (tokens.length === 0 || tokens.length >= LIMITS.id)
      refuse(`${PREFIX}tokens`, `must be 1 to ${LIMITS.id - 1} tokens, got ${tokens.length}.`);
    const seen = new Map<string, number>();
    for (const [id, token] of tokens.entries()) {
      const before = seen.get(token);
      if (before !== undefined)
        refuse(`${PREFIX}tokens[${id}]`, `must be there once, got ${shown(token)} at ${before}, too.`);
      seen.set(token, id);
    }
    return tokens;
  }

  #get(key: string): unknown {
    return this.#keys.get(PREFIX + key);
  }

  #refuse(key: string, what: string, value: unknown): never {
    const got = value === undefined ? 'nothing' : isNumbers(value) ? 'a list of numbers' : shown(value);
    refuse(PREFIX + key, `must be ${what}, got ${got}. Convert the model again.`);
  }
}

const isNumbers = (value: unknown): boolean =>
  ArrayBuffer.isView(value) && !(value instanceof DataView) && typeof (value as Uint8Array)[0] !== 'bigint';
