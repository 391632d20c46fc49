import { byteToChar } from '../bpe/byte-alphabet.ts';
import type { Part } from '../config/part.ts';
import { findMatches, type TextPattern, textPattern } from '../split/text-pattern.ts';
import { isWhitespace } from '../unicode/general-category.ts';
import { isAccent } from './accents.ts';
import { bertSteps } from './bert.ts';
import { nmtImage } from './nmt.ts';
import { type Piece, PieceBuilder, prependToPiece, slicePiece, unitsAt } from './piece.ts';
import { precompiled } from './precompiled.ts';
import { normalizeUnicode, type UnicodeForm } from './unicode-forms.ts';

/** One step that rewrites text before it is split. */
export interface Normalizer {
  apply(piece: Piece): Piece;
  /** True when `apply` certainly leaves the text as it is; false when that would take work to know. */
  keeps(text: string): boolean;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is asked
const ASCII = /^[\x00-\x7f]*$/;
const isAscii = (text: string) => ASCII.test(text);
const never = () => false;
const encoder = new TextEncoder();

const FORMS: Readonly<Record<string, UnicodeForm>> = { NFC: 'NFC', NFD: 'NFD', NFKC: 'NFKC', NFKD: 'NFKD' };
const KNOWN =
  'NFC, NFD, NFKC, NFKD, Lowercase, Replace, Prepend, Strip, StripAccents, BertNormalizer, Nmt, Precompiled, ByteLevel or Sequence';

/**
 * The normalizer of a `tokenizer.json`.
 *
 * @throws {TokenizerError} a type this package does not implement, a field of another type
 */
export function compileNormalizer(part: Part): Normalizer {
  const form = Object.hasOwn(FORMS, part.type) ? FORMS[part.type] : undefined;
  if (form) return { apply: (piece) => normalizeUnicode(piece, form), keeps: isAscii };
  switch (part.type) {
    case 'Sequence':
      return sequence(part.parts('normalizers').map(compileNormalizer));
    case 'Lowercase':
      return ofCharacters(lowercase);
    case 'Replace':
      return replacer(textPattern(part), part.inserted('content'));
    case 'Prepend': {
      const prefix = part.inserted('prepend');
      return { apply: (piece) => prependToPiece(piece, prefix), keeps: never };
    }
    case 'Strip': {
      const [left, right] = [part.flag('strip_left', false), part.flag('strip_right', false)];
      return { apply: (piece) => strip(piece, left, right), keeps: never };
    }
    case 'StripAccents':
      return { ...ofCharacters((character) => (isAccent(character) ? '' : character)), keeps: isAscii };
    case 'BertNormalizer':
      return sequence(bertSteps(part, ofCharacters, (piece) => normalizeUnicode(piece, 'NFD'), lowercase));
    case 'Nmt':
      return ofCharacters(nmtImage);
    case 'Precompiled':
      return { apply: precompiled(part), keeps: never };
    case 'ByteLevel':
      return ofCharacters(toByteCharacters);
    default:
      return part.refuseType(KNOWN);
  }
}

const ofCharacters = (image: (character: string) => string): Normalizer => ({
  apply: (piece) => mapCharacters(piece, image),
  keeps: never,
});

function sequence(steps: readonly Normalizer[]): Normalizer {
  return {
    apply: (piece) => steps.reduce((current, step) => step.apply(current), piece),
    keeps: (text) => steps.every((step) => step.keeps(text)),
  };
}

/** Replaces each character by its image, which may be empty. */
function mapCharacters(piece: Piece, image: (character: string) => string): Piece {
  const builder = new PieceBuilder(piece);
  for (let at = 0; at < piece.text.length; ) {
    const next = at + unitsAt(piece.text, at);
    const character = piece.text.slice(at, next);
    const written = image(character);
    if (written === character) builder.keepTo(next);
    else if (written === '') builder.skipTo(next);
    else {
      let isFirst = true;
      for (const part of written) {
        if (isFirst) builder.replaceTo(next, part);
        else builder.insert(part);
        isFirst = false;
      }
    }
    at = next;
  }
  return builder.build();
}

/** Character by character, so that a final sigma stays an ordinary one, as in the official library. */
const lowercase = (character: string) => character.toLowerCase();

export function toByteCharacters(character: string): string {
  let mapped = '';
  for (const byte of encoder.encode(character)) mapped += byteToChar(byte);
  return mapped;
}

function replacer(pattern: TextPattern, content: string): Normalizer {
  return {
    keeps: (text) => pattern.literal !== undefined && !text.includes(pattern.literal),
    apply: (piece) => replaceMatches(piece, pattern, content),
  };
}

/** `piece` with every match of `pattern` replaced; the new text stands for the last character of the match. */
export function replaceMatches(piece: Piece, pattern: TextPattern, content: string): Piece {
  const builder = new PieceBuilder(piece);
  let changed = false;
  for (const [start, end] of findMatches(pattern, piece.text)) {
    builder.keepTo(start);
    builder.skipTo(end);
    for (const character of content) builder.insert(character);
    changed = true;
  }
  if (!changed) return piece;
  builder.keepTo(piece.text.length);
  return builder.build();
}

function strip(piece: Piece, left: boolean, right: boolean): Piece {
  let start = 0;
  let end = piece.text.length;
  if (left) while (start < end && isWhitespace(piece.text.charCodeAt(start))) start++;
  if (right) while (end > start && isWhitespace(piece.text.charCodeAt(end - 1))) end--;
  const { text, origin } = slicePiece(piece, start, end);
  // The text is shorter, but it comes from where it was cut before.
  return { text, origin: origin && { ...origin, base: piece.origin?.base ?? 0 } };
}
