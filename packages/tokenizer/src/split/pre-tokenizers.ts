import type { Part } from '../config/part.ts';
import { replaceMatches, toByteCharacters } from '../normalize/normalizers.ts';
import { type Piece, PieceBuilder, prependToPiece, unitsAt } from '../normalize/piece.ts';
import { categoryClass } from '../unicode/general-category.ts';
import { rustWordClass, WHITE_SPACE } from '../unicode/word-class.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { scannerFor } from './known-patterns.ts';
import { punctuation } from './punctuation.ts';
import { GPT2_PATTERN, scanGpt2 } from './scan-gpt2.ts';
import { splitByScript } from './scripts.ts';
import { SPLIT_BEHAVIOURS, type SplitBehaviour, splitPiece } from './split-behaviour.ts';
import { findMatches, literalPattern, regexPattern, type TextPattern, textPattern } from './text-pattern.ts';

/** How text is cut into words before merging. */
export interface PreTokenizer {
  /** Words as pieces. When `alphabet` is `bytes` they are plain text whose bytes are the symbols. */
  split(piece: Piece): Piece[];
  readonly alphabet: 'bytes' | 'characters';
  /** The same cuts as a function on bytes, for the patterns that most models use. */
  readonly scanner: ByteScanner | undefined;
  /** With `scanner`: a space is put before text that starts with none. */
  readonly addsPrefixSpace: boolean;
  /** Whether cuts depend on where in the text a piece comes from: pieces then need their origin. */
  readonly asksOrigin: boolean;
}

type Step = (piece: Piece) => Piece[];

const KNOWN =
  'ByteLevel, Split, Digits, Whitespace, WhitespaceSplit, Punctuation, CharDelimiterSplit, BertPreTokenizer, UnicodeScripts, FixedLength, Metaspace or Sequence';

/**
 * The pre-tokenizer of a `tokenizer.json` (undefined: the whole text is one word).
 *
 * @param allowsBytes false for a model whose words must be characters
 * @throws {TokenizerError} a type this package does not implement, a field of another type
 */
export function compilePreTokenizer(part: Part | undefined, allowsBytes = true): PreTokenizer {
  const parts = part === undefined ? [] : flatten(part);
  const last = parts.at(-1);
  const isByteLevel = allowsBytes && last?.type === 'ByteLevel';
  const steps = parts.map((step, index) => compileStep(step, isByteLevel && index === parts.length - 1));
  return {
    split: (piece) => steps.reduce((pieces, step) => pieces.flatMap(step).filter(({ text }) => text !== ''), [piece]),
    alphabet: isByteLevel ? 'bytes' : 'characters',
    scanner: isByteLevel ? scannerOf(parts) : undefined,
    addsPrefixSpace: isByteLevel && last.flag('add_prefix_space', true),
    asksOrigin: parts.some((step) => step.type === 'Metaspace' && prependScheme(step) === 'first'),
  };
}

const flatten = (part: Part): Part[] =>
  part.type === 'Sequence' ? part.parts('pretokenizers').flatMap(flatten) : [part];

/** ByteLevel alone, or one Split with a known pattern that keeps every match, then ByteLevel without its own pattern. */
function scannerOf(parts: readonly Part[]): ByteScanner | undefined {
  const byteLevel = parts.at(-1) as Part;
  const usesPattern = byteLevel.flag('use_regex', true);
  if (parts.length === 1) return usesPattern ? scanGpt2 : undefined;
  const split = parts[0] as Part;
  if (parts.length !== 2 || split.type !== 'Split' || usesPattern || byteLevel.flag('add_prefix_space', true))
    return undefined;
  // The known patterns match every character, so what is between matches (kept or removed) is empty.
  const [behaviour, inverts] = [split.text('behavior'), split.flag('invert', false)];
  const keepsMatches = (behaviour === 'Isolated' && !inverts) || (behaviour === 'Removed' && inverts);
  const source = (split.get('pattern') as { Regex?: string } | undefined)?.Regex;
  return keepsMatches && source !== undefined ? scannerFor(source) : undefined;
}

let numbers: RegExp | undefined;
let words: RegExp | undefined;

function compileStep(part: Part, isFinalByteLevel: boolean): Step {
  switch (part.type) {
    case 'ByteLevel':
      return byteLevel(part, isFinalByteLevel);
    case 'Split':
      return splitter(textPattern(part), part.choice('behavior', SPLIT_BEHAVIOURS), part.flag('invert', false));
    case 'Digits':
      numbers ??= new RegExp(`[${categoryClass('N')}]`, 'gu');
      return splitter(
        { literal: undefined, regex: numbers },
        part.flag('individual_digits', false) ? 'Isolated' : 'Contiguous',
        false,
      );
    case 'Whitespace':
      words ??= new RegExp(`[${rustWordClass()}]+|[^${rustWordClass()}${WHITE_SPACE}]+`, 'gu');
      return splitter({ literal: undefined, regex: words }, 'Removed', true);
    case 'WhitespaceSplit':
      return splitter(regexPattern('\\s', 'WhitespaceSplit'), 'Removed', false);
    case 'Punctuation':
      return splitter(
        { literal: undefined, regex: punctuation() },
        part.choice('behavior', SPLIT_BEHAVIOURS, 'Isolated'),
        false,
      );
    case 'CharDelimiterSplit':
      return splitter(literalPattern(part.character('delimiter')), 'Removed', false);
    case 'BertPreTokenizer':
      return bert();
    case 'UnicodeScripts':
      return splitByScript;
    case 'FixedLength': {
      const length = part.integer('length', [1, Number.MAX_SAFE_INTEGER], 5);
      return (piece) => fixedLength(piece, length);
    }
    case 'Metaspace':
      return metaspace(part);
    default:
      return part.refuseType(KNOWN);
  }
}

function splitter(pattern: TextPattern, behaviour: SplitBehaviour, invert: boolean): Step {
  return (piece) => splitPiece(piece, findMatches(pattern, piece.text), behaviour, invert);
}

function byteLevel(part: Part, isFinal: boolean): Step {
  const addsSpace = part.flag('add_prefix_space', true);
  const prefixed = (piece: Piece) => (!addsSpace || piece.text.startsWith(' ') ? piece : prependToPiece(piece, ' '));
  const words: Step = part.flag('use_regex', true)
    ? splitter(regexPattern(GPT2_PATTERN, 'ByteLevel'), 'Isolated', false)
    : (piece) => [piece];
  return isFinal ? (piece) => words(prefixed(piece)) : (piece) => words(prefixed(piece)).map(toBytes);
}

function toBytes(piece: Piece): Piece {
  const builder = new PieceBuilder(piece);
  for (let at = 0; at < piece.text.length; ) {
    const next = at + unitsAt(piece.text, at);
    const [first, ...more] = toByteCharacters(piece.text.slice(at, next));
    builder.replaceTo(next, first as string);
    for (const character of more) builder.insert(character);
    at = next;
  }
  return builder.build();
}

const SCHEMES = ['always', 'first', 'never'] as const;

/** Whether words get a mark in front: all, the one at the start of the text, or none. Old files have `add_prefix_space`. */
export const prependScheme = (part: Part): (typeof SCHEMES)[number] =>
  part.choice('prepend_scheme', SCHEMES, part.flag('add_prefix_space', true) ? 'always' : 'never');

function metaspace(part: Part): Step {
  const replacement = part.character('replacement', '▁');
  const mark = literalPattern(replacement);
  const scheme = prependScheme(part);
  const splits = part.flag('split', true);
  return (piece) => {
    let marked = replaceMatches(piece, literalPattern(' '), replacement);
    if (scheme !== 'never' && (scheme === 'always' || isAtStart(piece)) && !marked.text.startsWith(replacement))
      marked = prependToPiece(marked, replacement);
    return splits ? splitPiece(marked, findMatches(mark, marked.text), 'MergedWithNext', false) : [marked];
  };
}

/** Whether a piece, which has its origin, was cut from the start of the text. */
const isAtStart = ({ origin }: Piece): boolean => origin?.base === 0;

function bert(): Step {
  const spaces = splitter(regexPattern('\\s', 'BertPreTokenizer'), 'Removed', false);
  const marks = splitter({ literal: undefined, regex: punctuation() }, 'Isolated', false);
  return (piece) => spaces(piece).flatMap(marks);
}

function fixedLength(piece: Piece, length: number): Piece[] {
  const cuts: (readonly [number, number])[] = [];
  for (let at = 0; at < piece.text.length; ) {
    let end = at;
    for (let n = 0; n < length && end < piece.text.length; n++) end += unitsAt(piece.text, end);
    cuts.push([at, end]);
    at = end;
  }
  return splitPiece(piece, cuts, 'Isolated', false);
}
