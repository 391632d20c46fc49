import type { Part } from '../config/part.ts';
import { refuse } from '../config/part.ts';
import { shown, TokenizerError } from '../errors.ts';
import { translateRegex } from './regex-translation.ts';

/** What a Split or Replace looks for: literal text that is not empty, or a regular expression with the flags `gu`. */
export interface TextPattern {
  readonly literal: string | undefined;
  readonly regex: RegExp | undefined;
}

/** The field `pattern`: `{"String": "x"}`, `{"Regex": "x"}` or, in old files, `"x"`. */
export function textPattern(part: Part): TextPattern {
  const value = part.get('pattern');
  const place = `${part.place}.pattern`;
  const { String: literal, Regex: source } = (typeof value === 'string' ? { String: value } : (value ?? {})) as {
    String?: unknown;
    Regex?: unknown;
  };
  if (typeof literal === 'string') return literalPattern(literal);
  if (typeof source === 'string') return regexPattern(source, place);
  refuse(place, `must be {"String": ...} or {"Regex": ...}, got ${shown(value)}.`);
}

/** Empty text is found between all characters, as the official library has it. */
export const literalPattern = (literal: string): TextPattern =>
  literal === '' ? { literal: undefined, regex: /(?:)/gu } : { literal, regex: undefined };

/** A pattern as tokenizer files write it. */
export const regexPattern = (source: string, place: string): TextPattern => ({
  literal: undefined,
  regex: translateRegex(source, place),
});

/** `[start, end)` of every match, in order. An empty match counts unless it stands right behind another match. */
export function findMatches({ literal, regex }: TextPattern, text: string): (readonly [number, number])[] {
  const matches: (readonly [number, number])[] = [];
  if (literal !== undefined) {
    for (let at = text.indexOf(literal); at >= 0; at = text.indexOf(literal, at + literal.length))
      matches.push([at, at + literal.length]);
  } else if (regex && text !== '') {
    let last = -1;
    for (let at = 0; at <= text.length; ) {
      const match = matchFrom(regex, text, at);
      if (!match) break;
      const end = match.index + match[0].length;
      if (match[0] === '' && end === last) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
      else {
        matches.push([match.index, end]);
        at = end;
        last = end;
      }
    }
  }
  return matches;
}

function matchFrom(regex: RegExp, text: string, at: number): RegExpExecArray | null {
  regex.lastIndex = at;
  try {
    let match = regex.exec(text);
    // Engines look for what has no characters between the halves of a pair, too.
    while (match && isInsidePair(text, match.index)) {
      regex.lastIndex = match.index + 1;
      match = regex.exec(text);
    }
    return match;
  } catch (cause) {
    // Engines compile at the first match and give up on expressions that are too large.
    throw new TokenizerError(
      'encode',
      `a pattern of the tokenizer must be one that JavaScript can run, got an error: ${cause instanceof Error ? cause.message : cause}.`,
      { cause },
    );
  }
}

const isInsidePair = (text: string, at: number): boolean =>
  at > 0 && (text.charCodeAt(at) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800;
