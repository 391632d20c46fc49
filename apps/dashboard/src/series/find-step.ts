import type { ByteSource } from './byte-source.ts';
import { parseRow } from './metrics-row.ts';

/** Below this a range is read in full rather than halved. */
const SMALL_BYTES = 1 << 15;
const PROBE_BYTES = 1 << 14;
const NEWLINE = 10;

/**
 * Where to begin reading for rows of `step` and later: a start of a line before the first such row and at most some
 * 100 rows away from it. Halves the file, so no index is needed. Steps must ascend.
 */
export async function findStep(source: ByteSource, step: number): Promise<number> {
  let low = 0;
  let high = source.size;
  while (high - low > SMALL_BYTES) {
    const middle = Math.floor((low + high) / 2);
    const found = await firstRowAfter(source, middle, high);
    if (found === null || found.step >= step) high = middle;
    else low = found.begin;
  }
  return low;
}

/** The first whole row that begins after byte `at`, damaged lines passed over. */
async function firstRowAfter(
  source: ByteSource,
  at: number,
  end: number,
): Promise<{ begin: number; step: number } | null> {
  const decoder = new TextDecoder();
  const block = await source.read(at, Math.min(end, at + PROBE_BYTES));
  let begin = block.indexOf(NEWLINE) + 1;
  while (begin > 0) {
    const lineEnd = block.indexOf(NEWLINE, begin);
    if (lineEnd < 0) return null;
    const row = parseRow(decoder.decode(block.subarray(begin, lineEnd)));
    if (row !== null) return { begin: at + begin, step: row.step };
    begin = lineEnd + 1;
  }
  return null;
}
