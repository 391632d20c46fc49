/**
 * A 32-bit hash of a document's text, taken in parts of any length. It depends on the text alone, white space and control
 * characters aside: the same document has the same hash in any file, at any place, on any machine, however its lines end.
 * Runs split documents into training and held-out ones by it.
 */
export class DocumentHash {
  #hash = 0x9e3779b9;

  /** Takes the next part of the text. */
  add(text: string): this {
    let hash = this.#hash;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit <= 0x20) continue;
      // The low bits of a product depend on low bits only: the shift brings high ones down.
      hash = Math.imul(hash ^ unit, 0x01000193);
      hash ^= hash >>> 15;
    }
    this.#hash = hash;
    return this;
  }

  /** An integer from 0 to 2^32 - 1. */
  get value(): number {
    // MurmurHash3's finaliser: every bit of the state flips every bit of the result with probability about one half.
    let hash = this.#hash;
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) >>> 0;
  }
}

/** `DocumentHash` of a whole document. */
export function documentHash(text: string): number {
  return new DocumentHash().add(text).value;
}
