import type { PackedRows } from './packed-rows.ts';

/**
 * A run of tokens that can be read from any place: an array in memory, or shards on disk.
 */
export interface TokenSource {
  /** For messages and metrics. */
  readonly name: string;
  /** Tokens in all. */
  readonly length: number;
  /** Tokens `start .. start + count - 1`. @throws DataError when the medium fails */
  read(start: number, count: number): Int32Array | Promise<Int32Array>;
  /** Sequences that are whole as they are, with labels of their own; without them a sequence is any T + 1 tokens. */
  readonly rows?: PackedRows;
  /** Gives up open files; the source is unusable afterwards. */
  close?(): Promise<void>;
}

/** Tokens that are already in memory. */
export function tokensInMemory(name: string, tokens: ArrayLike<number> & { readonly length: number }): TokenSource {
  const all = tokens instanceof Int32Array ? tokens : Int32Array.from(tokens);
  return { name, length: all.length, read: (start, count) => all.subarray(start, start + count) };
}
