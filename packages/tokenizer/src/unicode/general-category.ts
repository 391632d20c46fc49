import { CATEGORIES, CATEGORY_RUNS } from './category-runs.ts';

const LAST = 0x10ffff;
let table: Uint8Array | undefined;

/** The category of each code point, as an index into `CATEGORIES`; unpacked at first use (1.1 MB). */
function categoryTable(): Uint8Array {
  table ??= codePointTable(CATEGORIES.map((_, category) => category));
  return table;
}

/** For each code point the value of its category, of which `values` has one for each of `CATEGORIES` (1.1 MB). */
export function codePointTable(values: readonly number[]): Uint8Array {
  const unpacked = new Uint8Array(LAST + 1);
  let codePoint = 0;
  for (const [, letter, length] of CATEGORY_RUNS.matchAll(/([A-Z!"#])([0-9a-z]*)/g)) {
    const code = (letter as string).charCodeAt(0);
    const category = code >= 65 ? code - 65 : code - 33 + 26;
    const count = length ? Number.parseInt(length, 36) : 1;
    unpacked.fill(values[category] as number, codePoint, codePoint + count);
    codePoint += count;
  }
  return unpacked;
}

/** White_Space of Unicode: what `\s` means in the official library (JavaScript's `\s` differs at U+0085 and U+FEFF). */
export function isWhitespace(codePoint: number): boolean {
  return (
    (codePoint >= 9 && codePoint <= 13) ||
    codePoint === 0x20 ||
    codePoint === 0x85 ||
    codePoint === 0xa0 ||
    codePoint === 0x1680 ||
    (codePoint >= 0x2000 && codePoint <= 0x200a) ||
    codePoint === 0x2028 ||
    codePoint === 0x2029 ||
    codePoint === 0x202f ||
    codePoint === 0x205f ||
    codePoint === 0x3000
  );
}

const classes = new Map<string, string>();

/**
 * The code points of a category (`Lu`) or of a group (`L`) as the inside of a character class for a `u` regular
 * expression; undefined for a name that is not a general category.
 */
export function categoryClass(name: string): string | undefined {
  const known = classes.get(name);
  if (known !== undefined) return known;
  const wanted = CATEGORIES.map((category) => category === name || (name.length === 1 && category[0] === name));
  if (!wanted.includes(true)) return undefined;
  const categories = categoryTable();
  let text = '';
  for (let start = 0; start <= LAST; start++) {
    if (!wanted[categories[start] as number]) continue;
    let end = start;
    while (end < LAST && wanted[categories[end + 1] as number]) end++;
    text += end === start ? escaped(start) : `${escaped(start)}-${escaped(end)}`;
    start = end;
  }
  classes.set(name, text);
  return text;
}

const escaped = (codePoint: number) => `\\u{${codePoint.toString(16)}}`;
