import type { Part } from '../config/part.ts';
import { categoryClass, isWhitespace } from '../unicode/general-category.ts';
import { rangesClass } from '../unicode/ranges-class.ts';
import { isNonspacingMark } from './accents.ts';
import type { Normalizer } from './normalizers.ts';
import type { Piece } from './piece.ts';

/** Control, format and private characters that the official library keeps (scripts/print-older-tables.js). */
const KEPT = '890-891 8e2 110cd 13430-1343f';
const HAN = '3400-4dbf 4e00-9fff f900-faff 20000-2a6df 2a700-2b81f 2b920-2ceaf 2f800-2fa1f';

let control: RegExp | undefined;
const han = new RegExp(`[${rangesClass(HAN)}]`, 'u');

function isControl(character: string): boolean {
  control ??= new RegExp(
    `(?![\\t\\n\\r${rangesClass(KEPT)}])[\\0\\ufffd${['Cc', 'Cf', 'Co'].map(categoryClass).join('')}]`,
    'u',
  );
  return control.test(character);
}

/** Control characters go, whitespace becomes spaces. */
function cleaned(character: string): string {
  if (character >= ' ' && character <= '~') return character;
  if (isControl(character)) return '';
  return isWhitespace(character.codePointAt(0) as number) ? ' ' : character;
}

/**
 * The steps of a `BertNormalizer`: clean text, spaces around Han characters, no accents, lower case.
 *
 * @param ofCharacters a step that replaces each character by its image
 */
export function bertSteps(
  part: Part,
  ofCharacters: (image: (character: string) => string) => Normalizer,
  decompose: (piece: Piece) => Piece,
  lowercase: (character: string) => string,
): Normalizer[] {
  const lowers = part.flag('lowercase', true);
  const steps: Normalizer[] = [];
  if (part.flag('clean_text', true)) steps.push(ofCharacters(cleaned));
  if (part.flag('handle_chinese_chars', true))
    steps.push(ofCharacters((character) => (han.test(character) ? ` ${character} ` : character)));
  if (part.flag('strip_accents', lowers)) {
    steps.push({ apply: decompose, keeps: () => false });
    steps.push(ofCharacters((character) => (isNonspacingMark(character) ? '' : character)));
  }
  if (lowers) steps.push(ofCharacters(lowercase));
  return steps;
}
