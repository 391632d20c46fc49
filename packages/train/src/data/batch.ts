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
  for (const [b, { source, start }] of places.entries()) {
    const tokens = await options.sources[source].read(start, T + 1);
    ids.set(tokens.subarray(0, T), b * T);
    targets.set(tokens.subarray(1, T + 1), b * T);
  }
  const docRange = separator === null ? null : documentRanges(ids, B, T, separator);
  return { B, T, ids, targets, docRange, next };
}

/**
 * Key range `[start, end)` of the document of each position, `[B, T, 2]`: a document ends after its separator and
 * includes it; the row's borders end documents too.
 */
export function documentRanges(ids: Int32Array, B: number, T: number, separator: number): Int32Array {
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
