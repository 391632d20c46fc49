import type { ByteSource } from './byte-source.ts';
import { parseRow, type RawRow } from './metrics-row.ts';

const CHUNK_BYTES = 1 << 20;
/** A line longer than this is no row of metrics. */
const MAX_LINE_BYTES = 1 << 20;
const NEWLINE = 10;

/** Rows of a piece of a metrics file, in the order of the file. */
export interface RowBatch {
  readonly rows: readonly RawRow[];
  /** Lines that were no rows. */
  readonly badLines: number;
  /** Where the next batch begins; at the last batch, the end of the last whole line. */
  readonly end: number;
}

/**
 * Every row from byte `begin` to `end`, a mebibyte at a time; the caller's loop decides the pace. `begin` is the start of
 * a line. A last line without a line break counts when it is whole already, else it is left for later.
 */
export async function* readRows(source: ByteSource, begin = 0, end = source.size): AsyncGenerator<RowBatch> {
  const decoder = new TextDecoder();
  let rest = new Uint8Array();
  let isSkipping = false;
  let at = begin;
  while (at < end) {
    const read = await source.read(at, Math.min(end, at + CHUNK_BYTES));
    if (read.length === 0) break;
    at += read.length;
    const bytes = rest.length === 0 ? read : concatenate(rest, read);
    const lastBreak = bytes.lastIndexOf(NEWLINE);
    const text = lastBreak < 0 ? '' : decoder.decode(bytes.subarray(0, lastBreak));
    rest = bytes.slice(lastBreak + 1);
    const lines = text === '' ? [] : text.split('\n');
    let badLines = 0;
    if (isSkipping && lastBreak >= 0) {
      lines.shift();
      isSkipping = false;
    }
    if (rest.length > MAX_LINE_BYTES) {
      if (!isSkipping) badLines++;
      isSkipping = true;
      rest = new Uint8Array();
    }
    const rows: RawRow[] = [];
    for (const line of lines) {
      const row = parseRow(line);
      if (row !== null) rows.push(row);
      else if (line.trim() !== '') badLines++;
    }
    yield { rows, badLines, end: at - rest.length };
  }
  const last = isSkipping ? null : parseRow(decoder.decode(rest));
  if (last !== null) yield { rows: [last], badLines: 0, end: at };
}

function concatenate(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
