/** Bytes from one rank to another: one writes, one reads, nobody waits. Positions count bytes modulo 2^32. */
export class ByteRing {
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;

  /**
   * @param word first of two Int32: bytes written and read so far
   * @param start first byte of `capacity`, a power of two
   */
  constructor(
    memory: ArrayBufferLike,
    private readonly word: number,
    start: number,
    private readonly capacity: number,
  ) {
    this.words = new Int32Array(memory);
    this.bytes = new Uint8Array(memory, start, capacity);
  }

  /** Writes what fits. @returns bytes written */
  put(from: Uint8Array): number {
    const [written, read] = this.positions();
    const count = Math.min(from.length, this.capacity - (written - read));
    this.pieces(written, count, (at, first, length) => this.bytes.set(from.subarray(first, first + length), at));
    Atomics.store(this.words, this.word, (written + count) | 0);
    return count;
  }

  /** Reads what there is, into all of `into` at most. @returns bytes read */
  take(into: Uint8Array): number {
    const [written, read] = this.positions();
    const count = Math.min(into.length, written - read);
    this.pieces(read, count, (at, first, length) => into.set(this.bytes.subarray(at, at + length), first));
    Atomics.store(this.words, this.word + 1, (read + count) | 0);
    return count;
  }

  /** Bytes written and read so far, the larger unwrapped. */
  private positions(): [number, number] {
    const written = Atomics.load(this.words, this.word);
    const read = Atomics.load(this.words, this.word + 1) >>> 0;
    return [read + ((written - read) >>> 0), read];
  }

  private pieces(position: number, count: number, move: (at: number, first: number, length: number) => void): void {
    const at = position % this.capacity;
    const first = Math.min(count, this.capacity - at);
    move(at, 0, first);
    if (count > first) move(0, first, count - first);
  }
}
