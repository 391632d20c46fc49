/** Takes bytes off a stream in the numbers that a format asks for. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #held: Uint8Array[] = [];
  #heldBytes = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  async isAtEnd(): Promise<boolean> {
    return !(await this.#has(1));
  }

  /**
   * The next `count` bytes.
   *
   * @throws {Error} a stream that ends before
   */
  async take(count: number): Promise<Uint8Array> {
    if (!(await this.#has(count))) throw new Error(`${count - this.#heldBytes} bytes are missing at its end`);
    const first = this.#held[0];
    const all = this.#held.length === 1 && first !== undefined ? first : Buffer.concat(this.#held);
    this.#held = [all.subarray(count)];
    this.#heldBytes -= count;
    return all.subarray(0, count);
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0; ) {
      const part = Math.min(left, Math.max(1, this.#heldBytes));
      await this.take(part);
      left -= part;
    }
  }

  async #has(count: number): Promise<boolean> {
    while (this.#heldBytes < count) {
      const { value, done } = await this.#chunks.next();
      if (done) return false;
      this.#held.push(value);
      this.#heldBytes += value.length;
    }
    return true;
  }
}
