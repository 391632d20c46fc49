import type { SequenceOrder, SequencePosition } from './sequence-order.ts';
import type { TokenSource } from './token-source.ts';

/** Label that the loss leaves out. */
export const IGNORED_TARGET = -100;

/** One optimiser step's worth of sequences on the host. */
export interface HostBatch {
  readonly B: number;
  readonly T: number;
  /** `[B, T]` */
  readonly ids: Int32Array;
  /** `[B, T]`: the next token, or `IGNORED_TARGET`. */
  readonly targets: Int32Array;
  /** `[B, T, 2]` document range of each position, or null when rows are one document. */
  readonly docRange: Int32Array | null;
  /** Where the data stands after this batch. */
  readonly next: SequencePosition;
}

/** What `nextBatch` reads from. */
export interface BatchOptions {
  readonly sources: readonly TokenSource[];
  readonly order: SequenceOrder;
  readonly B: number;
  readonly T: number;
  /** Ends a document; with it, rows are packed documents that do not see each other. */
  readonly separator: number | null;
  /** The rows of each batch that are read, for one rank of several; all when absent. */
  readonly rows?: { readonly first: number; readonly count: number };
}

/** Reads the sequences after `position`; `next` lies `options.B` sequences further whichever rows are read. */
export async function nextBatch(options: BatchOptions, position: SequencePosition): Promise<HostBatch> {
  const { T, separator, rows = { first: 0, count: options.B } } = options;
  const { places: all, next } = options.order.draw(position, options.B);
  const places = all.slice(rows.first, rows.first + rows.count);
  const B = places.length;
  const ids = new Int32Array(B * T);
  const targets = new Int32Array(B * T);
  const packed: { readonly b: number; readonly docRange: Int32Array }[] = [];
  for (const [b, { source, start }] of places.entries()) {
    const { rows } = options.sources[source];
    if (rows) {
      const row = rows.row(start / T);
      ids.set(row.ids, b * T);
      targets.set(row.targets, b * T);
      packed.push({ b, docRange: row.docRange });
      continue;
    }
    const tokens = await options.sources[source].read(start, T + 1);
    ids.set(tokens.subarray(0, T), b * T);
    targets.set(tokens.subarray(1, T + 1), b * T);
  }
  // One kind of batch in a run, whichever sources it draws from: steps are then alike.
  const isRanged = separator !== null || options.sources.some(({ rows }) => rows !== undefined);
  const docRange = isRanged ? documentRanges(ids, B, T, separator) : null;
  for (const { b, docRange: own } of packed) docRange!.set(own, 2 * b * T);
  return { B, T, ids, targets, docRange, next };
}

/**
 * Key range `[start, end)` of the document of each position, `[B, T, 2]`: a document ends after its separator and
 * includes it; the row's borders end documents too. Without a separator a row is one document.
 */
export function documentRanges(ids: Int32Array, B: number, T: number, separator: number | null): Int32Array {
  const ranges = new Int32Array(B * T * 2);
  for (let b = 0; b < B; b++) {
    let start = 0;
    for (let t = 0; t < T; t++) {
      if (ids[b * T + t] !== separator && t < T - 1) continue;
      for (let i = start; i <= t; i++) {
        ranges[(b * T + i) * 2] = start;
        ranges[(b * T + i) * 2 + 1] = t + 1;
      }
      start = t + 1;
    }
  }
  return ranges;
}
