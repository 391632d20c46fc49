import type { AddedTokenJson } from '../config/tokenizer-json.ts';
import { isWhitespace } from '../unicode/general-category.ts';
import { rustWordClass } from '../unicode/word-class.ts';

/** What to do with the text of a special token inside the input. */
export type SpecialTokensMode = 'encode' | 'text' | 'refuse';

/** A stretch of text: an added token, or text between them (`token` is undefined). UTF-16 positions. */
export interface AddedSpan {
  readonly token: AddedTokenJson | undefined;
  readonly start: number;
  readonly end: number;
}

const escapeRegExp = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/** Finds the tokens that were added to a vocabulary: the leftmost, and of those that start together the longest. */
export class AddedTokenFinder {
  readonly #byContent = new Map<string, AddedTokenJson>();
  readonly #pattern: RegExp | undefined;

  /**
   * @param contentOf the text to look for, not empty: the token's own, or its normalized form
   */
  constructor(
    tokens: readonly AddedTokenJson[],
    contentOf: (token: AddedTokenJson) => string = (token) => token.content,
  ) {
    // Of tokens that look alike once normalized, the first special one is found, else the first.
    for (const token of [...tokens.filter(({ special }) => special), ...tokens.filter(({ special }) => !special)]) {
      const content = contentOf(token);
      if (!this.#byContent.has(content)) this.#byContent.set(content, token);
    }
    const contents = [...this.#byContent.keys()].sort((a, b) => b.length - a.length);
    if (contents.length > 0) this.#pattern = new RegExp(contents.map(escapeRegExp).join('|'), 'g');
  }

  /** The spans of `text`, in order and covering it; undefined when no added token occurs, the common case. */
  split(text: string, mode: SpecialTokensMode): AddedSpan[] | undefined {
    if (!this.#pattern) return undefined;
    const spans: AddedSpan[] = [];
    let done = 0;
    this.#pattern.lastIndex = 0;
    for (let match = this.#pattern.exec(text); match; match = this.#pattern.exec(text)) {
      const token = this.#byContent.get(match[0]) as AddedTokenJson;
      if (mode === 'text' && token.special) continue;
      let start = match.index;
      let end = start + match[0].length;
      if (token.single_word && !standsAlone(text, start, end)) continue;
      if (token.lstrip) start = Math.max(spacesBefore(text, start), done);
      if (token.rstrip) end = spacesAfter(text, end);
      // The spaces may all belong to the token before, and then nothing is left for a token that is one of them.
      if (start >= end) continue;
      // A token may start inside the spaces that the one before it took; the official library keeps both, and so do we.
      if (start > done) spans.push({ token: undefined, start: done, end: start });
      spans.push({ token, start, end });
      done = end;
    }
    if (spans.length === 0) return undefined;
    if (done < text.length) spans.push({ token: undefined, start: done, end: text.length });
    return spans;
  }
}

let wordEnd: RegExp | undefined;
let wordStart: RegExp | undefined;

function standsAlone(text: string, start: number, end: number): boolean {
  wordEnd ??= new RegExp(`[${rustWordClass()}]$`, 'u');
  wordStart ??= new RegExp(`^[${rustWordClass()}]`, 'u');
  return !wordEnd.test(text.slice(Math.max(0, start - 2), start)) && !wordStart.test(text.slice(end, end + 2));
}

function spacesBefore(text: string, at: number): number {
  let start = at;
  while (start > 0 && isWhitespace(text.charCodeAt(start - 1))) start--;
  return start;
}

function spacesAfter(text: string, at: number): number {
  let end = at;
  while (end < text.length && isWhitespace(text.charCodeAt(end))) end++;
  return end;
}
