import { DataError } from '../errors.ts';

/** UTF-16 units that are looked at together. */
const WINDOW = 1 << 17;
/** Windows in a row that no document has for a reason: merging so long a word takes gigabytes. */
const MAX_WINDOWS = 64;

/** Letters, digits, other marks or white space alone: what the patterns of tokenizers take as one word. */
const ONE_KIND = /^(?:\p{L}+|\p{N}+|[^\s\p{L}\p{N}]+|\s+)$/u;

/**
 * Looks at a document, in parts, for a word without an end, such as what a small compressed file unpacks to: 2^23 UTF-16 units
 * of letters, digits, marks or white space alone. Text of words costs a look at their first characters.
 */
export class EndlessWords {
  #windows = 0;

  constructor(
    readonly path: string,
    readonly place?: string,
  ) {}

  /** Takes the next part. @throws {DataError} when the word has become too long */
  add(text: string): void {
    for (let start = 0; start + WINDOW <= text.length; start += WINDOW) {
      this.#windows = ONE_KIND.test(text.slice(start, start + WINDOW)) ? this.#windows + 1 : 0;
      if (this.#windows < MAX_WINDOWS) continue;
      throw new DataError(
        'read',
        this.path,
        `must hold words, got ${WINDOW * MAX_WINDOWS} characters of one kind in a row. Is it text? Leave the document out.`,
        this.place === undefined ? {} : { place: this.place },
      );
    }
  }
}
