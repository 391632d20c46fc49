import type { IdSink } from './id-sink.ts';

/** The vocabulary of a model. */
export interface Vocabulary {
  /** Token of each id; has holes where nobody has the id. */
  readonly tokens: readonly (string | undefined)[];
  readonly ids: ReadonlyMap<string, number>;
}

/**
 * Turns one word (UTF-8 bytes) into tokens; what BPE, Unigram, WordPiece and WordLevel have in common. One instance has scratch
 * memory of its own.
 */
export interface WordEncoder {
  /** Tokens of the last `encodeSpans`, and which bytes of the word each stands for. */
  readonly ids: Int32Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** The id whose tokens are shown as the text they stand for; -1 when there is none. */
  readonly shownAsText: number;
  /**
   * Appends the tokens of `bytes[start, end)` to `out`. `view` is over the same memory, which must have 16 more bytes behind
   * `end`.
   */
  append(bytes: Uint8Array, view: DataView, start: number, end: number, out: IdSink): void;
  /** Leaves the word's tokens in `ids`, `starts` and `ends` (from the word's start); returns how many. */
  encodeSpans(bytes: Uint8Array, start: number, end: number): number;
}
