import type { Part } from '../config/part.ts';
import { shown, TokenizerError } from '../errors.ts';
import { CachedEncoder } from './cached-encoder.ts';
import type { Vocabulary } from './model.ts';
import { readVocabulary, unknownIdOf } from './vocabulary.ts';

/** Whole words with ids, unpacked from a file. */
export class WordLevelModel implements Vocabulary {
  readonly tokens: readonly (string | undefined)[];
  readonly ids: ReadonlyMap<string, number>;
  readonly unknownId: number | undefined;

  /** @throws {TokenizerError} a malformed vocabulary */
  constructor(part: Part) {
    ({ tokens: this.tokens, ids: this.ids } = readVocabulary(part));
    this.unknownId = unknownIdOf(this, part, '<unk>');
  }
}

/** A word is a token of the vocabulary or the unknown token. Reference: huggingface/tokenizers, `models/wordlevel/mod.rs`. */
export class WordLevelEncoder extends CachedEncoder {
  readonly #model: WordLevelModel;
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor(model: WordLevelModel) {
    super();
    this.#model = model;
  }

  protected override encodeWord(bytes: Uint8Array, start: number, end: number): void {
    const word = this.#decoder.decode(bytes.subarray(start, end));
    this.push(this.#model.ids.get(word) ?? this.#model.unknownId ?? refuseUnknown(word), 0, end - start);
  }
}

/** A word for which the vocabulary has no token, not even an unknown one. */
export function refuseUnknown(word: string): never {
  throw new TokenizerError(
    'encode',
    `text must be of the tokens of a vocabulary without its unknown token, got ${shown(word)}. Add model.unk_token to model.vocab.`,
  );
}
