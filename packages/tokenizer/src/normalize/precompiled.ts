import { type Part, refuse } from '../config/part.ts';
import { utf8Length } from '../unicode/utf8.ts';
import { type Piece, PieceBuilder, unitsAt } from './piece.ts';

/** Graphemes of fewer bytes are looked up whole. */
const GRAPHEME_BYTES = 6;
const encoder = new TextEncoder();

/**
 * SentencePiece's normalization rules, which a file has compiled: a trie (a darts double array) from text to places among the
 * replacements, each of which ends with a zero byte. Format: `uint32` size of the trie in bytes, its units, the replacements.
 *
 * Reference: huggingface/spm_precompiled; google/sentencepiece, `normalizer.cc`.
 */
class CharacterMap {
  readonly #units: Uint32Array;
  readonly #replacements: Uint8Array;
  readonly #known = new Map<string, string | undefined>();

  /** @throws {TokenizerError} bytes that are not such a map */
  constructor(part: Part) {
    const place = `${part.place}.precompiled_charsmap`;
    const bytes = base64Bytes(part.text('precompiled_charsmap'), place);
    const view = new DataView(bytes.buffer);
    const size = bytes.length < 4 ? 0 : view.getUint32(0, true);
    if (size === 0 || size % 4 !== 0 || size + 4 > bytes.length)
      refuse(place, `must hold a trie of whole units, got ${bytes.length} bytes with a trie of ${size}.`);
    this.#units = Uint32Array.from({ length: size / 4 }, (_, index) => view.getUint32(4 + index * 4, true));
    this.#replacements = bytes.subarray(4 + size);
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(this.#replacements);
    } catch {
      refuse(place, 'must have replacements in UTF-8, got other bytes.');
    }
  }

  /** The replacement of the shortest rule that `text` begins with, or undefined. */
  get(text: string): string | undefined {
    if (this.#known.has(text)) return this.#known.get(text);
    const replacement = this.#search(text);
    // Texts are single graphemes, but there is no end of those.
    if (this.#known.size < 1 << 16) this.#known.set(text, replacement);
    return replacement;
  }

  #search(text: string): string | undefined {
    const units = this.#units;
    let at = offsetOf(units[0] as number);
    for (const byte of encoder.encode(text)) {
      if (byte === 0) return undefined;
      at ^= byte;
      const unit = units[at];
      if (unit === undefined || (unit & 0x800000ff) >>> 0 !== byte) return undefined;
      at ^= offsetOf(unit);
      if ((unit >>> 8) & 1) return this.#replacementAt((units[at] ?? 0) & 0x7fffffff);
    }
    return undefined;
  }

  #replacementAt(start: number): string {
    const end = this.#replacements.indexOf(0, start);
    const bytes = this.#replacements.subarray(start, end < 0 ? undefined : end);
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  }
}

const offsetOf = (unit: number): number => (unit >>> 10) << ((unit & 0x200) >>> 6);

function base64Bytes(text: string, place: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return refuse(place, 'must be base64, got other characters.');
  }
}

const isPlain = (text: string, map: CharacterMap): boolean => {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x80 || code === 0x0d || map.get(text.charAt(at)) !== undefined) return false;
  }
  return true;
};

/**
 * The changed text, character by character: each replaces a character of the text and those it removes behind it (`change` 0 or
 * less), or is one more (1). The official library counts like this, so that offsets are its own even where nothing is left of
 * the first character.
 */
type Change = { readonly character: string; change: number };

/** A `Precompiled` normalizer: graphemes, or else their characters, are replaced by the rules of its file. */
export function precompiled(part: Part): (piece: Piece) => Piece {
  const map = new CharacterMap(part);
  let segmenter: Intl.Segmenter | undefined;
  return (piece) => {
    if (isPlain(piece.text, map)) return piece;
    segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
    const changes: Change[] = [];
    for (const { segment } of segmenter.segment(piece.text)) {
      const whole = utf8Length(segment) < GRAPHEME_BYTES ? map.get(segment) : undefined;
      if (whole !== undefined) replace(changes, segment, whole);
      else for (const character of segment) replace(changes, character, map.get(character) ?? character);
    }
    return applied(piece, changes);
  };
}

function replace(changes: Change[], old: string, replacement: string): void {
  const removed = [...old].length;
  let added = 0;
  for (const character of replacement) changes.push({ character, change: added++ < removed ? 0 : 1 });
  const last = changes.at(-1);
  if (added < removed && last) last.change -= removed - added;
}

function applied(piece: Piece, changes: readonly Change[]): Piece {
  const builder = new PieceBuilder(piece);
  const { text } = piece;
  let at = 0;
  for (const { character, change } of changes) {
    if (change > 0) {
      builder.insert(character);
      continue;
    }
    for (let n = 0; n <= -change && at < text.length; n++) at += unitsAt(text, at);
    builder.replaceTo(at, character);
  }
  return builder.build();
}
