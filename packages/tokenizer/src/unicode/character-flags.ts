import { CATEGORIES } from './category-runs.ts';
import { codePointTable, isWhitespace } from './general-category.ts';

/** `\p{L}` */
export const LETTER = 1;
/** `\p{N}` */
export const NUMBER = 2;
/** `\s` */
export const SPACE = 4;
/** `[\r\n]` */
export const NEWLINE = 8;
/** `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]` */
export const UPPERISH = 16;
/** `[\p{Ll}\p{Lm}\p{Lo}\p{M}]` */
export const LOWERISH = 32;

let flags: Uint8Array | undefined;

/** What the pre-tokenizers ask about each code point, as bits; made at first use (1.1 MB). */
export function characterFlags(): Uint8Array {
  if (flags) return flags;
  const made = codePointTable(CATEGORIES.map(flagsOf));
  for (let codePoint = 0; codePoint <= 0x3000; codePoint++) {
    if (isWhitespace(codePoint)) made[codePoint] = (made[codePoint] as number) | SPACE;
  }
  made[0x0a] = SPACE | NEWLINE;
  made[0x0d] = SPACE | NEWLINE;
  flags = made;
  return made;
}

function flagsOf(category: string): number {
  const group = category[0];
  let bits = group === 'L' ? LETTER : group === 'N' ? NUMBER : 0;
  if (group === 'M' || ['Lu', 'Lt', 'Lm', 'Lo'].includes(category)) bits |= UPPERISH;
  if (group === 'M' || ['Ll', 'Lm', 'Lo'].includes(category)) bits |= LOWERISH;
  return bits;
}
