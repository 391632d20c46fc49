import { LIMITS } from '../config/limits.ts';
import { type Part, refuse } from '../config/part.ts';
import type { Encoding, RawEncoding } from '../encoding.ts';
import { shown } from '../errors.ts';
import { isWhitespace } from '../unicode/general-category.ts';

/** What is done to the tokens of one text at the end: offsets are trimmed, tokens put before and after. */
export interface PostProcessor {
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** The encoding with better offsets; the tokens stay. */
  trim(encoding: RawEncoding, text: string): RawEncoding;
}

const untrimmed = (encoding: RawEncoding) => encoding;
/** Post-processing that does nothing. */
export const noPostProcessor: PostProcessor = { before: [], after: [], trim: untrimmed };

/**
 * The post-processor of a `tokenizer.json`, for single texts.
 *
 * @param tokenOf token of an id of the model, for offsets that leave out the spaces inside a token
 * @throws {TokenizerError} a type this package does not implement, a field of another type, a template without a sequence
 */
export function compilePostProcessor(part: Part, tokenOf: (id: number) => string): PostProcessor {
  const trim: PostProcessor['trim'] = part.flag('trim_offsets', true)
    ? trimming(part.flag('add_prefix_space', true), tokenOf)
    : untrimmed;
  switch (part.type) {
    case 'ByteLevel':
      return { ...noPostProcessor, trim };
    case 'Sequence':
      return sequence(part, tokenOf);
    case 'TemplateProcessing':
      return template(part);
    case 'BertProcessing':
      return { before: [idOf(part, 'cls')], after: [idOf(part, 'sep')], trim: untrimmed };
    case 'RobertaProcessing':
      return { before: [idOf(part, 'cls')], after: [idOf(part, 'sep')], trim };
    default:
      return part.refuseType('ByteLevel, TemplateProcessing, BertProcessing, RobertaProcessing or Sequence');
  }
}

const trimming =
  (addsPrefixSpace: boolean, tokenOf: (id: number) => string): PostProcessor['trim'] =>
  (encoding, text) =>
    trimSpaces(encoding, addsPrefixSpace, tokenOf, text);

/** One step may put tokens around the text: the official library takes those of an earlier one for texts of their own. */
function sequence(part: Part, tokenOf: (id: number) => string): PostProcessor {
  const steps = part.parts('processors').map((inner) => compilePostProcessor(inner, tokenOf));
  const adding = steps.filter(({ before, after }) => before.length + after.length > 0);
  if (adding.length > 1)
    refuse(
      `${part.place}.processors`,
      `must have one step that adds tokens, got ${adding.length}. Join their templates.`,
    );
  return {
    before: adding[0]?.before ?? [],
    after: adding[0]?.after ?? [],
    trim: (encoding, text) => steps.reduce((current, step) => step.trim(current, text), encoding),
  };
}

function idOf(part: Part, name: string): number {
  const pair = part.get(name);
  if (Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string' && isId(pair[1])) return pair[1];
  refuse(`${part.place}.${name}`, `must be [token, id], got ${shown(pair)}.`);
}

const isId = (id: unknown): id is number => Number.isInteger(id) && (id as number) >= 0 && (id as number) < LIMITS.id;

function template(part: Part): PostProcessor {
  const specials = part.part('special_tokens', {});
  const sides: { before: number[]; after: number[] } = { before: [], after: [] };
  let sequences = 0;
  for (const piece of part.parts('single')) {
    if (piece.get('SpecialToken') === undefined) {
      if (piece.part('Sequence').text('id') !== 'A') refuse(piece.place, 'must have the sequence A in a single text.');
      sequences++;
    } else (sequences === 0 ? sides.before : sides.after).push(...specialIds(specials, piece.part('SpecialToken')));
  }
  if (sequences !== 1) {
    refuse(
      `${part.place}.single`,
      `must be special tokens around one sequence, got ${sequences} sequences: ${shown(part.get('single'))}.`,
    );
  }
  return { ...sides, trim: untrimmed };
}

function specialIds(specials: Part, piece: Part): readonly number[] {
  const name = piece.text('id');
  const special = specials.get(name);
  if (special === undefined) refuse(`${piece.place}.id`, `must be one of special_tokens, got ${shown(name)}.`);
  const ids = specials.part(name).list('ids');
  if (!ids.every(isId)) refuse(`${specials.place}.${name}.ids`, `must be token ids, got ${shown(ids)}.`);
  return ids as readonly number[];
}

/** `encoding` with the ids `before` and `after` around it, marked as special. */
export function surround(encoding: Encoding, before: readonly number[], after: readonly number[]): Encoding {
  if (before.length === 0 && after.length === 0) return encoding;
  const wrap = <T extends Int32Array | Uint8Array>(array: T, first: ArrayLike<number>, last: ArrayLike<number>): T => {
    const longer = new (array.constructor as new (length: number) => T)(first.length + array.length + last.length);
    longer.set(first);
    longer.set(array, first.length);
    longer.set(last, first.length + array.length);
    return longer;
  };
  const zeros = [before.map(() => 0), after.map(() => 0)] as const;
  const ones = [before.map(() => 1), after.map(() => 1)] as const;
  return {
    ids: wrap(encoding.ids, before, after),
    starts: wrap(encoding.starts, ...zeros),
    ends: wrap(encoding.ends, ...zeros),
    specialTokensMask: wrap(encoding.specialTokensMask, ...ones),
    attentionMask: wrap(encoding.attentionMask, ...ones),
  };
}

/** Offsets without the spaces at either end of a token; the space a ByteLevel prefix put in is not in the text. */
function trimSpaces(
  encoding: RawEncoding,
  addsPrefixSpace: boolean,
  tokenOf: (id: number) => string,
  text: string,
): RawEncoding {
  const starts = encoding.starts.slice();
  const ends = encoding.ends.slice();
  for (let i = 0; i < starts.length; i++) {
    const [start, end] = [starts[i] as number, ends[i] as number];
    const token = encoding.texts.get(i) ?? tokenOf(encoding.ids[i] as number);
    let leading = 0;
    while (leading < token.length && isSpace(token.charCodeAt(leading))) leading++;
    let trailing = 0;
    while (trailing < token.length && isSpace(token.charCodeAt(token.length - 1 - trailing))) trailing++;
    if (leading === 1 && addsPrefixSpace && (i === 0 || start === 0)) leading = 0;
    if (leading > 0) starts[i] = Math.min(charactersAfter(text, start, leading), end);
    if (trailing === 0) continue;
    const shorter = charactersBefore(text, end, trailing);
    if (shorter >= 0) ends[i] = Math.max(shorter, starts[i] as number);
  }
  return { ...encoding, starts, ends };
}

/** The place `count` characters behind `at`, or the end. */
function charactersAfter(text: string, at: number, count: number): number {
  let place = at;
  for (let n = 0; n < count && place < text.length; n++) place += (text.codePointAt(place) as number) > 0xffff ? 2 : 1;
  return place;
}

/** The place `count` characters before `at`, or -1 when there are fewer. */
function charactersBefore(text: string, at: number, count: number): number {
  let place = at;
  for (let n = 0; n < count; n++) {
    if (place === 0) return -1;
    const isPair = place > 1 && (text.codePointAt(place - 2) as number) > 0xffff;
    place -= isPair ? 2 : 1;
  }
  return place;
}

/** A space as the byte alphabet writes it, or whitespace of an added token. */
const isSpace = (code: number) => code === 0x120 || isWhitespace(code);
