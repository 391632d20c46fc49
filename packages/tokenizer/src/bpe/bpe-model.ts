import { type Part, refuse } from '../config/part.ts';
import { shown, TokenizerError } from '../errors.ts';
import type { Vocabulary } from '../words/model.ts';
import { byteTokens } from '../words/pieces.ts';
import { readVocabulary } from '../words/vocabulary.ts';
import { byteToChar } from './byte-alphabet.ts';
import { MergeTable } from './merge-table.ts';

/** A BPE model, unpacked from its file: who is who, and which pairs merge. */
export class BpeModel implements Vocabulary {
  readonly tokens: readonly (string | undefined)[];
  readonly ids: ReadonlyMap<string, number>;
  readonly merges: MergeTable;
  /** Id of the token that is the single byte `b` in the byte alphabet, or -1. */
  readonly byteIds = new Int32Array(256).fill(-1);
  /** Ids of `<0x00>` to `<0xFF>`, -1 where there is none; undefined when the model does not use them. */
  readonly fallbackIds: Int32Array | undefined;
  readonly unknownId: number;
  readonly fusesUnknown: boolean;
  readonly ignoresMerges: boolean;
  readonly prefix: string;
  readonly suffix: string;

  /**
   * @param ranks rank of each merge where it is not its place in the list (tiktoken gives several rules one rank)
   * @throws {TokenizerError} a malformed vocabulary; a merge of, or into, a token that it does not have
   */
  constructor(part: Part, ranks?: ArrayLike<number>) {
    const { tokens, ids } = readVocabulary(part);
    this.tokens = tokens;
    this.ids = ids;
    this.prefix = part.inserted('continuing_subword_prefix', '');
    this.suffix = part.inserted('end_of_word_suffix', '');
    this.fusesUnknown = part.flag('fuse_unk', false);
    this.ignoresMerges = part.flag('ignore_merges', false);
    this.unknownId = this.#unknownId(part.get('unk_token') === undefined ? undefined : part.text('unk_token'));
    for (let byte = 0; byte < 256; byte++) this.byteIds[byte] = ids.get(byteToChar(byte)) ?? -1;
    this.fallbackIds = part.flag('byte_fallback', false) ? byteTokens(ids) : undefined;
    checkDropout(part);
    const merges = part.list('merges');
    this.merges = new MergeTable(merges.length);
    for (const [index, merge] of merges.entries())
      this.#addMerge(mergePair(merge, index), index, ranks?.[index] ?? index);
  }

  #addMerge([left, right]: readonly [string, string], index: number, rank: number): void {
    const merged = left + (this.prefix && right.startsWith(this.prefix) ? right.slice(this.prefix.length) : right);
    const [a, b, c] = [this.ids.get(left), this.ids.get(right), this.ids.get(merged)];
    if (a === undefined || b === undefined || c === undefined) {
      const missing = a === undefined ? left : b === undefined ? right : merged;
      throw new TokenizerError(
        'tokenizer',
        `model.merges[${index}] (${shown(left)} + ${shown(right)}) must be of tokens of the vocabulary, but ${shown(missing)} is not in it. Are vocab and merges from the same model?`,
        { place: `model.merges[${index}]` },
      );
    }
    this.merges.set(a, b, rank, c);
  }

  #unknownId(token: string | undefined): number {
    if (token === undefined) return -1;
    const id = this.ids.get(token);
    if (id === undefined) {
      throw new TokenizerError('tokenizer', `model.unk_token must be in the vocabulary, got ${shown(token)}.`, {
        place: 'model.unk_token',
      });
    }
    return id;
  }
}

function checkDropout(part: Part): void {
  const dropout = part.get('dropout');
  if (dropout !== undefined && dropout !== 0)
    refuse(
      'model.dropout',
      `must be null or 0, got ${shown(dropout)}. Random merges are not supported: set it to null.`,
    );
}

/** One merge rule as a pair of tokens; `index` is named in errors. */
export function mergePair(merge: unknown, index: number): readonly [string, string] {
  if (typeof merge === 'string') {
    const space = merge.indexOf(' ');
    if (space > 0 && space < merge.length - 1 && merge.indexOf(' ', space + 1) < 0) {
      return [merge.slice(0, space), merge.slice(space + 1)];
    }
  } else if (
    Array.isArray(merge) &&
    merge.length === 2 &&
    typeof merge[0] === 'string' &&
    typeof merge[1] === 'string'
  ) {
    return merge as unknown as readonly [string, string];
  }
  refuse(`model.merges[${index}]`, `must be two tokens, "a b" or ["a", "b"], got ${shown(merge)}.`);
}
