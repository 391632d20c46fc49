import type { IdSink } from './id-sink.ts';
import type { WordEncoder } from './model.ts';
import { WordCache } from './word-cache.ts';

/** A word encoder that remembers short words. */
export abstract class CachedEncoder implements WordEncoder {
  ids = new Int32Array(256);
  starts = new Int32Array(256);
  ends = new Int32Array(256);
  readonly shownAsText: number = -1;
  /** Tokens of the word that is being encoded, so far. */
  protected count = 0;
  readonly #cache = new WordCache();

  /** Pushes the tokens of a word that is not empty. */
  protected abstract encodeWord(bytes: Uint8Array, start: number, end: number): void;

  append(bytes: Uint8Array, view: DataView, start: number, end: number, out: IdSink): void {
    const slot = this.#cache.find(bytes, view, start, end);
    const known = slot < 0 ? -1 : this.#cache.tokensAt(slot);
    if (known >= 0) {
      if (out.length + known > out.ids.length) out.grow(known);
      this.#cache.copy(slot, out.ids, out.length);
      out.length += known;
      return;
    }
    const count = this.encodeSpans(bytes, start, end);
    if (out.length + count > out.ids.length) out.grow(count);
    for (let i = 0; i < count; i++) out.ids[out.length + i] = this.ids[i] as number;
    out.length += count;
    if (slot >= 0) this.#cache.add(slot, bytes, start, end, this.ids, 0, count);
  }

  encodeSpans(bytes: Uint8Array, start: number, end: number): number {
    this.count = 0;
    if (end > start) this.encodeWord(bytes, start, end);
    return this.count;
  }

  protected push(id: number, start: number, end: number): void {
    if (this.count === this.ids.length) this.#grow();
    this.ids[this.count] = id;
    this.starts[this.count] = start;
    this.ends[this.count++] = end;
  }

  #grow(): void {
    for (const name of ['ids', 'starts', 'ends'] as const) {
      const larger = new Int32Array(this.count * 2);
      larger.set(this[name]);
      this[name] = larger;
    }
  }
}
