import { TokenizerError } from '../errors.ts';
import { categoryClass } from '../unicode/general-category.ts';
import { onigurumaWordClass, WHITE_SPACE } from '../unicode/word-class.ts';
import {
  ofAlternatives,
  ofAssertion,
  ofAtomic,
  ofCharacter,
  ofRepeated,
  ofSequence,
  type Shape,
} from './regex-shape.ts';

/** Escapes whose meaning differs from JavaScript's, as the inside of a character class. */
const CLASSES: Readonly<Record<string, () => string>> = {
  s: () => WHITE_SPACE,
  d: () => categoryClass('Nd') as string,
  w: onigurumaWordClass,
  h: () => '0-9a-fA-F',
};

/** Bracket classes that are an escape by another name. */
const POSIX: Readonly<Record<string, string>> = { space: 's', digit: 'd', word: 'w', xdigit: 'h' };

/**
 * An Oniguruma or Rust pattern, as tokenizer files have them, as a JavaScript regular expression (flags `gu`): `(?i:...)` is
 * spelled out, possessive quantifiers and atomic groups become a lookahead with a back reference, `\A \z \Z \h` are translated, and `\s \d
 * \w \p{..}` mean what the official library means.
 *
 * @throws {TokenizerError} a construct that has no translation
 */
export function translateRegex(source: string, place: string): RegExp {
  try {
    return new RegExp(new Translator(source, place).pattern(), 'gu');
  } catch (cause) {
    if (cause instanceof TokenizerError) throw cause;
    throw new TokenizerError(
      'tokenizer',
      `${place} must be a regular expression that JavaScript can run, got ${source.slice(0, 200)}: ${String(cause instanceof Error ? cause.message : cause).slice(0, 200)}.`,
      { place, cause },
    );
  }
}

/** Characters, counts and groups inside each other that a pattern may have. */
const MOST_LENGTH = 20_000;
const MOST_REPEATS = 1000;
const MOST_GROUPS = 100;

class Translator {
  readonly #source: string;
  readonly #place: string;
  #at = 0;
  #groups = 0;
  #depth = 0;
  /** Of what was read last. */
  #shape: Shape = ofAssertion();

  constructor(source: string, place: string) {
    this.#source = source;
    this.#place = place;
  }

  pattern(): string {
    if (this.#source.length > MOST_LENGTH) this.#refuse(`more than ${MOST_LENGTH} characters`);
    const pattern = this.#alternatives(false);
    if (this.#at < this.#source.length) this.#refuse('an unmatched )');
    if (this.#shape.explodes)
      this.#refuse(
        'a loop of loops before something that may fail, which could take exponential time; put the loop into (?>...)',
      );
    return pattern;
  }

  #refuse(what: string): never {
    throw new TokenizerError(
      'tokenizer',
      `${this.#place} must not have ${what} (position ${this.#at}), got ${this.#source.slice(0, 200)}.`,
      { place: this.#place },
    );
  }

  #alternatives(ignoreCase: boolean): string {
    let out = '';
    let folds = ignoreCase;
    const alternatives: Shape[] = [];
    let parts: Shape[] = [];
    while (this.#at < this.#source.length && this.#source[this.#at] !== ')') {
      if (this.#source[this.#at] === '|') {
        out += '|';
        this.#at++;
        alternatives.push(ofSequence(parts));
        parts = [];
        continue;
      }
      const flag = /^\(\?(-?)i\)/.exec(this.#source.slice(this.#at, this.#at + 5));
      if (flag) {
        folds = flag[1] === '';
        this.#at += flag[0].length;
        continue;
      }
      out += this.#repeated(folds);
      parts.push(this.#shape);
    }
    this.#shape = ofAlternatives([...alternatives, ofSequence(parts)]);
    return out;
  }

  /** An atom and its quantifier. */
  #repeated(folds: boolean): string {
    const atom = this.#atom(folds);
    const quantifier = this.#quantifier();
    if (quantifier === '') return atom;
    this.#shape = ofRepeated(this.#shape, ...boundsOf(quantifier));
    const next = this.#source[this.#at];
    if (next !== '?' && next !== '+') return atom + quantifier;
    this.#at++;
    // Oniguruma reads `{n}?` as `n` times or not at all.
    if (next === '?' && !/^\{\d+\}$/.test(quantifier)) return `${atom}${quantifier}?`;
    if (next === '?') {
      this.#shape = ofRepeated(this.#shape, 0, 1);
      return `(?:${atom}${quantifier})?`;
    }
    // It reads `{n,m}+` as repeating the repetition, but `*+`, `++` and `?+` as possessive.
    if (quantifier.startsWith('{')) {
      this.#shape = ofRepeated(this.#shape, 1, Number.POSITIVE_INFINITY);
      return `(?:${atom}${quantifier})+`;
    }
    return this.#atomic(atom + quantifier);
  }

  /** A lookahead that captures, and what it captured: an engine does not go back into it. */
  #atomic(inner: string): string {
    const name = `g${++this.#groups}`;
    this.#shape = ofAtomic(this.#shape);
    return `(?:(?=(?<${name}>${inner}))\\k<${name}>)`;
  }

  /** `* + ?` or a count, which may leave out its least: `{,n}`. */
  #quantifier(): string {
    const written = /^(?:[*+?]|\{\d+(?:,\d*)?\}|\{,\d+\})/.exec(this.#source.slice(this.#at, this.#at + 30))?.[0] ?? '';
    const largest = Math.max(...(written.match(/\d+/g) ?? []).map(Number));
    if (largest > MOST_REPEATS) this.#refuse(`a count above ${MOST_REPEATS}`);
    this.#at += written.length;
    return written.replace('{,', '{0,');
  }

  #atom(ignoreCase: boolean): string {
    if (this.#source[this.#at] === '(') return this.#group(ignoreCase);
    const atom = this.#character(ignoreCase);
    this.#shape = atom.startsWith('(') ? ofAssertion() : ofCharacter(atom);
    return atom;
  }

  /** A character, a class or an anchor. */
  #character(ignoreCase: boolean): string {
    const character = String.fromCodePoint(this.#source.codePointAt(this.#at) as number);
    if (character === '[') return this.#class(ignoreCase);
    if (character === '\\') return this.#escape(ignoreCase);
    this.#at += character.length;
    if (character === '.') return '[^\\n]';
    // Lines begin at the start and behind every line break but one that ends the text.
    if (character === '^') return '(?:(?<![^])|(?<=\\n)(?=[^]))';
    if (character === '$') return '(?![^\\n])';
    if (character === '{' || character === '}' || character === ']' || character === '/') return `\\${character}`;
    return ignoreCase ? bothCases(character) : character;
  }

  #group(ignoreCase: boolean): string {
    const rest = this.#source.slice(this.#at);
    const open = /^\((?:\?(?:(-?i|):|([=!]|<[=!]|>)|P?<\w+>))?/.exec(rest);
    if (!open || (open[0] === '(' && rest[1] === '?')) this.#refuse(`a group ${rest.slice(0, 4)}`);
    this.#at += open[0].length;
    const folds = open[1] === undefined || open[1] === '' ? ignoreCase : open[1] === 'i';
    if (++this.#depth > MOST_GROUPS) this.#refuse(`more than ${MOST_GROUPS} groups inside each other`);
    const inner = this.#alternatives(folds);
    this.#depth--;
    if (this.#source[this.#at] !== ')') this.#refuse('an unclosed (');
    this.#at++;
    if (open[2] === '>') return this.#atomic(inner);
    if (open[2] !== undefined) this.#shape = ofAssertion(this.#shape);
    // Captures are never read, so every plain group is a non-capturing one.
    return `(?${open[2] ?? ':'}${inner})`;
  }

  #escape(ignoreCase: boolean): string {
    const property = /^\\[pP]\{(\^?)([A-Za-z_0-9=]+)\}|^\\[pP]([A-Z])/.exec(this.#source.slice(this.#at));
    if (property) {
      this.#at += property[0].length;
      const negated = (property[0][1] === 'P') !== (property[1] === '^');
      return `[${negated ? '^' : ''}${propertyClass(property[2] ?? (property[3] as string))}]`;
    }
    const letter = this.#source[this.#at + 1] ?? this.#refuse('a \\ at the end');
    const lower = letter.toLowerCase();
    const members = CLASSES[lower];
    if (members) {
      this.#at += 2;
      return `[${letter === lower ? '' : '^'}${members()}]`;
    }
    if (letter === 'A' || letter === 'z' || letter === 'Z') {
      this.#at += 2;
      return letter === 'A' ? '(?<![^])' : letter === 'z' ? '(?![^])' : '(?=\\n?(?![^]))';
    }
    if (letter === 'b' || letter === 'B') {
      this.#at += 2;
      const word = `[${(CLASSES['w'] as () => string)()}]`;
      const boundary = `(?:(?<=${word})(?!${word})|(?<!${word})(?=${word}))`;
      return letter === 'b' ? boundary : `(?!${boundary})`;
    }
    const literal = this.#literalEscape();
    return ignoreCase ? bothCases(literal) : escapeLiteral(literal);
  }

  /** An escape that stands for one character. */
  #literalEscape(): string {
    const rest = this.#source.slice(this.#at);
    const code = /^\\(?:x\{([0-9a-fA-F]+)\}|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]+)\})/.exec(rest);
    if (code) {
      this.#at += code[0].length;
      return String.fromCodePoint(Number.parseInt(code[1] ?? code[2] ?? code[3] ?? (code[4] as string), 16));
    }
    const character = String.fromCodePoint(rest.codePointAt(1) as number);
    this.#at += 1 + character.length;
    const control = { n: '\n', r: '\r', t: '\t', f: '\f', v: '\v', a: '\x07', e: '\x1b', '0': '\0' }[character];
    if (control !== undefined) return control;
    if (/[a-zA-Z0-9]/.test(character)) this.#refuse(`the escape \\${character}`);
    return character;
  }

  #class(ignoreCase: boolean): string {
    const [members, isNegated] = this.#classMembers(ignoreCase);
    return `[${isNegated ? '^' : ''}${members}]`;
  }

  /** The inside of a character class without nesting, and whether it is negated. */
  #classMembers(ignoreCase: boolean): [string, boolean] {
    this.#at++;
    const isNegated = this.#source[this.#at] === '^';
    if (isNegated) this.#at++;
    let members = '';
    for (let isFirst = true; this.#source[this.#at] !== ']' || isFirst; isFirst = false) {
      if (this.#at >= this.#source.length) this.#refuse('an unclosed [');
      if (this.#source.startsWith('&&', this.#at)) this.#refuse('an intersection of classes');
      const posix = /^\[:(\^?)(\w+):\]/.exec(this.#source.slice(this.#at, this.#at + 20));
      if (posix) members += this.#posixBracket(posix);
      else if (this.#source[this.#at] === '[') {
        if (++this.#depth > MOST_GROUPS) this.#refuse(`more than ${MOST_GROUPS} groups inside each other`);
        const [inner, isInnerNegated] = this.#classMembers(ignoreCase);
        if (isInnerNegated) this.#refuse('a negated class inside a class');
        this.#depth--;
        members += inner;
      } else members += this.#classMember(ignoreCase);
    }
    this.#at++;
    return [members, isNegated];
  }

  #posixBracket([written, negation, name]: readonly string[]): string {
    const members = Object.hasOwn(POSIX, name as string) ? POSIX[name as string] : undefined;
    if (!members || negation !== '') this.#refuse(`the class ${written}`);
    this.#at += (written as string).length;
    return (CLASSES[members] as () => string)();
  }

  #classMember(ignoreCase: boolean): string {
    if (this.#source[this.#at] === '\\') {
      const from = this.#at;
      const translated = this.#escape(false);
      if (translated.startsWith('[^')) return this.#negatedMember(from);
      if (translated.startsWith('[')) return translated.slice(1, -1);
      if (translated.startsWith('(')) this.#refuse('an anchor inside a class');
      this.#at = from;
    }
    const first = this.#classLiteral();
    if (this.#source[this.#at] === '-' && this.#source[this.#at + 1] !== ']') {
      this.#at++;
      const last = this.#classLiteral();
      const range = `${classEscape(first)}-${classEscape(last)}`;
      if (!ignoreCase) return range;
      return (
        range +
        `${classEscape(first.toLowerCase())}-${classEscape(last.toLowerCase())}${classEscape(first.toUpperCase())}-${classEscape(last.toUpperCase())}`
      );
    }
    return ignoreCase ? casesOf(first).map(classEscape).join('') : classEscape(first);
  }

  /** `\S`, `\P{L}` and friends inside a class: only JavaScript's own escapes can say so. */
  #negatedMember(from: number): string {
    const written = this.#source.slice(from, this.#at);
    return written === '\\H' ? this.#refuse('\\H inside a class') : written.replace('\\p{^', '\\P{');
  }

  #classLiteral(): string {
    if (this.#source[this.#at] === '\\') return this.#literalEscape();
    const character = String.fromCodePoint(this.#source.codePointAt(this.#at) as number);
    this.#at += character.length;
    return character;
  }
}

/** Least and most of a quantifier. */
function boundsOf(quantifier: string): [least: number, most: number] {
  if (quantifier === '?') return [0, 1];
  if (quantifier === '*' || quantifier === '+') return [quantifier === '*' ? 0 : 1, Number.POSITIVE_INFINITY];
  const [least, most] = quantifier.slice(1, -1).split(',');
  return [Number(least), most === undefined ? Number(least) : most === '' ? Number.POSITIVE_INFINITY : Number(most)];
}

const propertyClass = (name: string) => categoryClass(name) ?? `\\p{${SCRIPTS.has(name) ? `Script=${name}` : name}}`;
const SCRIPTS = new Set(
  'Arabic Armenian Bengali Bopomofo Cyrillic Devanagari Georgian Greek Gujarati Han Hangul Hebrew Hiragana Katakana Khmer Lao Latin Mongolian Myanmar Tamil Telugu Thai Tibetan Common'.split(
    ' ',
  ),
);

const escapeLiteral = (character: string) => character.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
const classEscape = (character: string) => character.replace(/[\\\]^[-]/, '\\$&');

/** A character and its other cases; `s` has the long s, `k` the Kelvin sign, as case folding has it. */
function casesOf(character: string): string[] {
  const extra = { s: '\u017f', k: '\u212a' }[character.toLowerCase()] ?? '';
  return [...new Set([character, character.toLowerCase(), character.toUpperCase(), ...extra])].filter(
    (form) => [...form].length === 1,
  );
}

function bothCases(character: string): string {
  const forms = casesOf(character);
  return forms.length === 1 ? escapeLiteral(character) : `[${forms.map(classEscape).join('')}]`;
}
