import type { ByteSource } from './byte-source.ts';
import { parseRow, type RawRow } from './metrics-row.ts';

const BLOCK_BYTES = 4096;
const NEWLINE = 10;

/** A sample of a metrics file. */
export interface RowSample {
  /** Steps ascend. */
  readonly rows: readonly RawRow[];
  /** How many rows the whole file has, from the length of the lines met. */
  readonly estimatedRows: number;
}

/**
 * Some rows of a long metrics file without reading all of it: of `blocks` blocks at evenly spaced places, the first whole
 * line and the longest one. The longest, because rows of an evaluation carry more fields than others and are rarer. The
 * file's first row and its last whole one are always among them.
 */
export async function sampleRows(source: ByteSource, blocks: number): Promise<RowSample> {
  const decoder = new TextDecoder();
  const rows: RawRow[] = [];
  let lines = 0;
  let lineBytes = 0;
  const lastBegin = Math.max(0, source.size - BLOCK_BYTES);
  for (let i = 0; i < blocks; i++) {
    const begin = Math.round((lastBegin * i) / Math.max(1, blocks - 1));
    const reading = source.read(begin, begin + BLOCK_BYTES);
    const block = reading instanceof Uint8Array ? reading : await reading;
    const ranges = linesToParse(block, begin === 0, i === blocks - 1);
    if (ranges.length > 0) {
      lines++;
      lineBytes += ranges[0][1] - ranges[0][0] + 1;
    }
    for (const [from, to] of ranges) {
      const row = parseRow(decoder.decode(block.subarray(from, to)));
      if (row !== null && row.step > (rows.at(-1)?.step ?? -1)) rows.push(row);
    }
  }
  return { rows, estimatedRows: lines === 0 ? 0 : Math.round((source.size * lines) / lineBytes) };
}

/** Byte ranges within a block: its first whole line, the longest, and, of the last block, the last. In order. */
function linesToParse(block: Uint8Array, startsLine: boolean, isLast: boolean): (readonly [number, number])[] {
  let begin = startsLine ? 0 : block.indexOf(NEWLINE) + 1;
  if (!startsLine && begin === 0) return [];
  let first: readonly [number, number] | null = null;
  let longest: readonly [number, number] = [0, 0];
  let last: readonly [number, number] = [0, 0];
  for (let end = block.indexOf(NEWLINE, begin); end >= 0; end = block.indexOf(NEWLINE, begin)) {
    last = [begin, end];
    first ??= last;
    if (end - begin > longest[1] - longest[0]) longest = last;
    begin = end + 1;
  }
  if (first === null) return [];
  return [first, longest, ...(isLast ? [last] : [])];
}
