import { categoryClass } from './general-category.ts';

/** Alphabetic characters that are no letters: circled, squared and parenthesized ones. */
const ENCLOSED_LETTERS = '\\u24b6-\\u24e9\\u{1f130}-\\u{1f149}\\u{1f150}-\\u{1f169}\\u{1f170}-\\u{1f189}';
const JOINERS = '\\u200c\\u200d';
/** Superscripts and fractions of Latin-1, which are word characters to Oniguruma alone. */
const LATIN_NUMBERS = '\\u00b2\\u00b3\\u00b9\\u00bc-\\u00be';

const alphanumeric = () => `${['L', 'M', 'Nl', 'Nd', 'Pc'].map(categoryClass).join('')}${ENCLOSED_LETTERS}`;

/** `\w` of Rust's regular expressions, as the inside of a character class: words of added tokens and of `Whitespace`. */
export const rustWordClass = (): string => alphanumeric() + JOINERS;

/** `\w` of Oniguruma, in the patterns of files. */
export const onigurumaWordClass = (): string => alphanumeric() + LATIN_NUMBERS;

/** `\s` of both. */
export const WHITE_SPACE = '\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
