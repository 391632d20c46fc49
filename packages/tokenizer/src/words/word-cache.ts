/** Words up to this many bytes are compared inside their slot. */
const INLINE_BYTES = 16;
/** Longer words are not kept. */
const MAX_BYTES = 120;
const SLOT = 8;
const FIRST_SLOTS = 1 << 13;
const LAST_SLOTS = 1 << 18;
const INLINE_IDS = 2;

/**
 * Words seen before and their tokens. A slot is 32 bytes: the word itself (or two hashes and a place in `#long`),
 * `length | tokens << 8`, and up to two token ids or a place in `#ids`. It grows to 262,144 slots, then starts over,
 * so memory stays below 20 MB whatever the text.
 *
 * Words are read with unaligned 4-byte loads: the buffer must have 16 readable bytes after the word.
 */
export class WordCache {
  #slots = new Int32Array(FIRST_SLOTS * SLOT);
  #used = 0;
  #ids = new Int32Array(1 << 12);
  #idsEnd = 0;
  #long = new Uint8Array(1 << 12);
  #longEnd = 0;
  /** The key of the last `find`, so that `add` need not build it again. */
  #k0 = 0;
  #k1 = 0;
  #k2 = 0;
  #k3 = 0;

  /**
   * The slot of `bytes[start, end)`: pass it to `copy` when it has tokens, else to `add`. -1 for a word too long to keep.
   */
  find(bytes: Uint8Array, view: DataView, start: number, end: number): number {
    const length = end - start;
    let k0 = 0;
    let k1 = 0;
    let k2 = 0;
    let k3 = 0;
    if (length <= 4) {
      k0 = view.getInt32(start, true) & masks[length]!;
    } else if (length <= 8) {
      k0 = view.getInt32(start, true);
      k1 = view.getInt32(start + 4, true) & masks[length - 4]!;
    } else if (length <= INLINE_BYTES) {
      k0 = view.getInt32(start, true);
      k1 = view.getInt32(start + 4, true);
      k2 = view.getInt32(start + 8, true) & (length < 12 ? masks[length - 8]! : -1);
      k3 = length <= 12 ? 0 : view.getInt32(start + 12, true) & masks[length - 12]!;
    } else if (length <= MAX_BYTES) {
      k0 = hashBytes(bytes, start, end, 0x811c9dc5);
      k1 = hashBytes(bytes, start, end, 0x2c1b3c6d);
    } else {
      return -1;
    }
    const slots = this.#slots;
    const wrap = slots.length - 1;
    for (let at = homeOf(k0, k1, k2, k3, length) & wrap; ; at = (at + SLOT) & wrap) {
      const held = slots[at + 4]! & 0xff;
      if (held === length && slots[at] === k0 && slots[at + 1] === k1) {
        if (
          length > INLINE_BYTES
            ? this.#isLong(slots[at + 2]!, bytes, start, length)
            : slots[at + 2] === k2 && slots[at + 3] === k3
        ) {
          return at;
        }
      } else if (held === 0) {
        this.#k0 = k0;
        this.#k1 = k1;
        this.#k2 = k2;
        this.#k3 = k3;
        return at;
      }
    }
  }

  /** How many tokens the slot's word has; -1 when the slot is free. */
  tokensAt(slot: number): number {
    const header = this.#slots[slot + 4] as number;
    return header === 0 ? -1 : header >>> 8;
  }

  /** Writes the slot's tokens to `out` from `at` on. */
  copy(slot: number, out: Int32Array, at: number): void {
    const slots = this.#slots;
    const count = (slots[slot + 4] as number) >>> 8;
    if (count <= INLINE_IDS) {
      out[at] = slots[slot + 5] as number;
      if (count === 2) out[at + 1] = slots[slot + 6] as number;
      return;
    }
    const from = slots[slot + 5] as number;
    for (let i = 0; i < count; i++) out[at + i] = this.#ids[from + i] as number;
  }

  /** Keeps the word of the last `find` (which returned `slot`) with its tokens `ids[from, from + count)`. */
  add(slot: number, bytes: Uint8Array, start: number, end: number, ids: Int32Array, from: number, count: number): void {
    const length = end - start;
    const slots = this.#slots;
    slots[slot] = this.#k0;
    slots[slot + 1] = this.#k1;
    slots[slot + 2] = length > INLINE_BYTES ? this.#keepLong(bytes, start, end) : this.#k2;
    slots[slot + 3] = this.#k3;
    slots[slot + 4] = length | (count << 8);
    if (count <= INLINE_IDS) {
      slots[slot + 5] = ids[from] as number;
      slots[slot + 6] = ids[from + 1] as number;
    } else {
      slots[slot + 5] = this.#keepIds(ids, from, count);
    }
    if (++this.#used * 2 > slots.length / SLOT) this.#grow();
  }

  #isLong(from: number, bytes: Uint8Array, start: number, length: number): boolean {
    for (let i = 0; i < length; i++) if (this.#long[from + i] !== bytes[start + i]) return false;
    return true;
  }

  #keepLong(bytes: Uint8Array, start: number, end: number): number {
    const from = this.#longEnd;
    const needed = from + end - start;
    if (needed > this.#long.length) this.#long = grown(this.#long, Math.max(needed, this.#long.length * 2));
    for (let i = start; i < end; i++) this.#long[this.#longEnd++] = bytes[i] as number;
    return from;
  }

  #keepIds(ids: Int32Array, from: number, count: number): number {
    const start = this.#idsEnd;
    if (start + count > this.#ids.length) this.#ids = grown(this.#ids, Math.max(start + count, this.#ids.length * 2));
    for (let i = 0; i < count; i++) this.#ids[this.#idsEnd++] = ids[from + i] as number;
    return start;
  }

  /** Twice the slots; at the most there may be, all empty: words in use come back at once, rare ones are forgotten. */
  #grow(): void {
    const old = this.#slots;
    if (old.length / SLOT === LAST_SLOTS) {
      old.fill(0);
      this.#used = 0;
      this.#idsEnd = 0;
      this.#longEnd = 0;
      return;
    }
    const slots = new Int32Array(old.length * 2);
    const wrap = slots.length - 1;
    for (let from = 0; from < old.length; from += SLOT) {
      const length = old[from + 4]! & 0xff;
      if (length === 0) continue;
      const [k2, k3] = length > INLINE_BYTES ? [0, 0] : [old[from + 2]!, old[from + 3]!];
      let at = homeOf(old[from]!, old[from + 1]!, k2, k3, length) & wrap;
      while (slots[at + 4] !== 0) at = (at + SLOT) & wrap;
      for (let i = 0; i < SLOT; i++) slots[at + i] = old[from + i]!;
    }
    this.#slots = slots;
  }
}

/** Keeps the first `n` bytes of a little-endian word of four; entry 4 keeps all. */
const masks = Int32Array.of(0, 0xff, 0xffff, 0xffffff, -1);

function homeOf(k0: number, k1: number, k2: number, k3: number, length: number): number {
  let hash = Math.imul(k0, 0x9e3779b1) ^ Math.imul(k1, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15) ^ length, 0x2c1b3c6d) ^ Math.imul(k2, 0xc2b2ae35) ^ Math.imul(k3, 0x27d4eb2f);
  return (hash ^ (hash >>> 13)) * SLOT;
}

function hashBytes(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let hash = seed;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash ^ (hash >>> 15);
}

function grown<T extends Int32Array | Uint8Array>(array: T, length: number): T {
  const larger = new (array.constructor as new (length: number) => T)(length);
  larger.set(array);
  return larger;
}
