import { utf8Width } from '../unicode/utf8.ts';
import { CachedEncoder } from '../words/cached-encoder.ts';
import type { BpeModel } from './bpe-model.ts';
import { bytesToAlphabet } from './byte-alphabet.ts';
import { WordMerger } from './merge-word.ts';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * Merges the symbols of a word. `alphabet: 'bytes'` takes each byte as a symbol (byte-level BPE), `'characters'` each character,
 * with byte fallback and the unknown token as the model says.
 */
export class BpeEncoder extends CachedEncoder {
  readonly #model: BpeModel;
  readonly #alphabet: 'bytes' | 'characters';
  readonly #merger: WordMerger;
  /** How many bytes each symbol covers. */
  #lengths = new Int32Array(256);
  /** How many bytes wait for their unknown token. */
  #unknown = 0;

  constructor(model: BpeModel, alphabet: 'bytes' | 'characters') {
    super();
    this.#model = model;
    this.#alphabet = alphabet;
    this.#merger = new WordMerger(model.merges);
  }

  protected override encodeWord(bytes: Uint8Array, start: number, end: number): void {
    if (this.#model.ignoresMerges) {
      const word =
        this.#alphabet === 'bytes' ? bytesToAlphabet(bytes, start, end) : decoder.decode(bytes.subarray(start, end));
      const id = this.#model.ids.get(word);
      if (id !== undefined) {
        this.push(id, 0, end - start);
        return;
      }
    }
    // One more than the bytes: an unknown token that waits is put after them.
    this.#reserve(end - start + 1);
    if (this.#alphabet === 'bytes') this.#bytes(bytes, start, end);
    else this.#characters(bytes, start, end);
    const [lengths, starts, ends] = [this.#lengths, this.starts, this.ends];
    this.count = this.#merger.merge(this.ids, lengths, this.count);
    // Bytes of a prefix or suffix stand for no bytes of the word: they are at its end.
    for (let i = 0, at = 0, size = end - start; i < this.count; i++) {
      starts[i] = Math.min(at, size - 1);
      at += lengths[i] as number;
      ends[i] = Math.min(at, size);
    }
  }

  /** Room for `most` symbols; those so far stay. */
  #reserve(most: number): void {
    if (this.ids.length >= most) return;
    const ids = new Int32Array(most);
    const lengths = new Int32Array(most);
    ids.set(this.ids.subarray(0, this.count));
    lengths.set(this.#lengths.subarray(0, this.count));
    this.ids = ids;
    this.#lengths = lengths;
    this.starts = new Int32Array(most);
    this.ends = new Int32Array(most);
  }

  #put(id: number, length: number): void {
    this.ids[this.count] = id;
    this.#lengths[this.count++] = length;
  }

  #bytes(bytes: Uint8Array, start: number, end: number): void {
    const { byteIds } = this.#model;
    this.#unknown = 0;
    for (let i = start; i < end; i++) {
      const id = byteIds[bytes[i] as number] as number;
      if (id >= 0) {
        if (this.#unknown > 0) this.#putUnknown();
        this.#put(id, 1);
      } else this.#addUnknown(1);
    }
    this.#putUnknown();
  }

  #characters(bytes: Uint8Array, start: number, end: number): void {
    const { ids, prefix, suffix } = this.#model;
    this.#unknown = 0;
    for (let i = start; i < end; ) {
      const width = utf8Width(bytes[i] as number);
      let symbol = width === 1 ? String.fromCharCode(bytes[i] as number) : decoder.decode(bytes.subarray(i, i + width));
      if (i > start) symbol = prefix + symbol;
      if (i + width === end) symbol += suffix;
      const id = ids.get(symbol);
      if (id !== undefined) {
        this.#putUnknown();
        this.#put(id, width);
      } else if (!this.#fallsBack(symbol, end - i)) this.#addUnknown(width);
      i += width;
    }
    this.#putUnknown();
  }

  /** Whether the model has the bytes of a symbol as tokens, which are then put. `rest` bytes of the word may follow. */
  #fallsBack(symbol: string, rest: number): boolean {
    const { fallbackIds } = this.#model;
    if (!fallbackIds) return false;
    const bytes = encoder.encode(symbol);
    if (bytes.some((byte) => (fallbackIds[byte] as number) < 0)) return false;
    // A symbol's prefix and suffix fall back, too.
    this.#reserve(this.count + bytes.length + rest + 1);
    for (const byte of bytes) this.#put(fallbackIds[byte] as number, 1);
    return true;
  }

  /**
   * A symbol outside the vocabulary: dropped when the model has no unknown token, else one unknown token, or one for a run when
   * the model fuses them. Like the official library, this is put when the next known symbol comes.
   */
  #addUnknown(length: number): void {
    if (this.#model.unknownId < 0) return;
    if (!this.#model.fusesUnknown) this.#putUnknown();
    this.#unknown += length;
  }

  #putUnknown(): void {
    if (this.#unknown > 0) this.#put(this.#model.unknownId, this.#unknown);
    this.#unknown = 0;
  }
}
