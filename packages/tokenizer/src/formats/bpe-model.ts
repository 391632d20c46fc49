import type { BpeJson } from '../config/tokenizer-json.ts';

/** The model of a tokenizer.json: BPE without dropout or affixes, where `fields` say nothing else. */
export function bpeModel(vocab: BpeJson['vocab'], merges: BpeJson['merges'], fields: Partial<BpeJson> = {}): BpeJson {
  return {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    ...fields,
    vocab,
    merges,
  };
}

/** Each token at its place in the list. */
export function vocabOf(tokens: readonly string[]): Record<string, number> {
  return Object.fromEntries(tokens.map((token, id) => [token, id]));
}
