import type { TokenSource } from './token-source.ts';

/** Tokens `start .. end - 1` of a source. */
export interface TokenRange {
  readonly start: number;
  readonly end: number;
}

/** Ranges of a source, one behind the other, as a source of its own. Closing it closes the source. */
export function tokenRanges(name: string, source: TokenSource, ranges: readonly TokenRange[]): TokenSource {
  const starts = new Float64Array(ranges.length);
  let length = 0;
  for (const [i, { start, end }] of ranges.entries()) {
    starts[i] = length;
    length += end - start;
  }
  return {
    name,
    length,
    async read(start, count) {
      let range = lastAtOrBefore(starts, start);
      const first = ranges[range].start + start - starts[range];
      if (first + count <= ranges[range].end) return source.read(first, count);
      const tokens = new Int32Array(count);
      for (let done = 0; done < count; range++) {
        const from = ranges[range].start + start + done - starts[range];
        const part = Math.min(count - done, ranges[range].end - from);
        tokens.set(await source.read(from, part), done);
        done += part;
      }
      return tokens;
    },
    close: source.close?.bind(source),
  };
}

/** The last index whose value, in ascending order, is at most `value`. */
export function lastAtOrBefore(ascending: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = ascending.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (ascending[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
