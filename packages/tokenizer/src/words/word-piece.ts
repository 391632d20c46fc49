import type { Part } from '../config/part.ts';
import { utf8Width } from '../unicode/utf8.ts';
import { ByteTrie } from './byte-trie.ts';
import { CachedEncoder } from './cached-encoder.ts';
import type { Vocabulary } from './model.ts';
import { checkPieces } from './pieces.ts';
import { readVocabulary, unknownIdOf } from './vocabulary.ts';
import { refuseUnknown } from './word-level.ts';

const encoder = new TextEncoder();

/** BERT's vocabulary: pieces inside a word carry a prefix. */
export class WordPieceModel implements Vocabulary {
  readonly tokens: readonly (string | undefined)[];
  readonly ids: ReadonlyMap<string, number>;
  readonly unknownId: number | undefined;
  readonly prefix: string;
  /** Longer words are unknown. */
  readonly maxCharacters: number;

  /** @throws {TokenizerError} a malformed vocabulary */
  constructor(part: Part) {
    ({ tokens: this.tokens, ids: this.ids } = readVocabulary(part));
    checkPieces([...this.ids.keys()], () => `${part.place}.vocab`);
    this.unknownId = unknownIdOf(this, part, '[UNK]');
    this.prefix = part.inserted('continuing_subword_prefix', '##');
    this.maxCharacters = part.integer('max_input_chars_per_word', [0, Number.MAX_SAFE_INTEGER], 100);
  }
}

/**
 * The longest piece again and again, from the left; a word that cannot be made of pieces is one unknown token.
 *
 * Reference: huggingface/tokenizers, `models/wordpiece/mod.rs`.
 */
export class WordPieceEncoder extends CachedEncoder {
  readonly #model: WordPieceModel;
  readonly #trie = new ByteTrie();
  /** Where pieces inside a word begin in the trie; -1 when none has the prefix. */
  readonly #inside: number;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor(model: WordPieceModel) {
    super();
    this.#model = model;
    for (const [token, id] of model.ids) this.#trie.set(encoder.encode(token), id);
    let node = 0;
    for (const byte of encoder.encode(model.prefix)) node = node < 0 ? -1 : this.#trie.step(node, byte);
    this.#inside = node;
  }

  protected override encodeWord(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#isTooLong(bytes, start, end) && this.#pushPieces(bytes, start, end)) return;
    this.count = 0;
    const word = bytes.subarray(start, end);
    this.push(this.#model.unknownId ?? refuseUnknown(this.#decoder.decode(word)), 0, end - start);
  }

  #isTooLong(bytes: Uint8Array, start: number, end: number): boolean {
    let characters = 0;
    for (let at = start; at < end; at += utf8Width(bytes[at] as number)) characters++;
    return characters > this.#model.maxCharacters;
  }

  /** Whether all of the word is made of pieces. */
  #pushPieces(bytes: Uint8Array, start: number, end: number): boolean {
    for (let at = start; at < end; ) {
      let id = -1;
      let stop = at;
      let node = at === start ? 0 : this.#inside;
      for (let i = at; i < end && node >= 0; ) {
        node = this.#trie.step(node, bytes[i++] as number);
        const value = node < 0 ? -1 : this.#trie.valueAt(node);
        if (value < 0) continue;
        id = value;
        stop = i;
      }
      if (id < 0) return false;
      this.push(id, at - start, stop - start);
      at = stop;
    }
    return true;
  }
}
