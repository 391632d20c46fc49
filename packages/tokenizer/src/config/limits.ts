/**
 * What a tokenizer file may ask for at most. A file comes from anywhere: past these, reading it or a short text with it would
 * take more time or memory than any tokenizer people have.
 */
export const LIMITS = {
  /** Objects and lists inside each other; the official library has the same limit. */
  depth: 128,
  /** Token ids are below this. */
  id: 1 << 24,
  /** UTF-8 bytes of one piece of a Unigram or WordPiece vocabulary. */
  pieceBytes: 1024,
  /** UTF-8 bytes of all pieces of a Unigram or WordPiece vocabulary. */
  vocabularyBytes: 1 << 26,
  /** Characters of a text that a file inserts: a replacement, a prefix, a padding token. */
  insertedText: 256,
  /** Tokens that truncation keeps or padding fills up to. */
  length: 1 << 20,
  /** Squares of token lengths, summed, of a rank file: the cuts that are looked up. */
  cuts: 2 ** 30,
} as const;
