import type { HostParameter } from '../decoder/load-parameters.ts';
import type { FusedTensor } from '../io/names/name-table.ts';
import { headRowsOf, rowsOf, stackedHeadRows, stackedRows } from '../io/rows.ts';

/** What is added to a map, but for its factor: `B A` with A `[rank, inputs]` and B `[outputs, rank]`. */
export interface LowRank {
  readonly a: HostParameter;
  readonly b: HostParameter;
}

/** How maps lie in one stored matrix. */
export interface Layout {
  readonly layout: FusedTensor['layout'];
  /** Outputs of each part. */
  readonly rows: readonly number[];
  readonly headDim: number;
}

/** Whether all parts multiply with the same A: then one A and their B below one another say the same. */
export function shareA(parts: readonly (LowRank | null)[]): parts is readonly LowRank[] {
  const [first] = parts;
  if (!first) return false;
  return parts.every((part) => part?.a.data.every((x, i) => x === first.a.data[i]));
}

/**
 * The adapter of a stored matrix from those of its parts, null for a part that is left alone. Of one rank where all share A;
 * else the A stand below one another, and each part's B in its own columns, zeros beside it.
 */
export function fuseLowRank(parts: readonly (LowRank | null)[], isShared: boolean, place: Layout): LowRank {
  const present = parts.filter((part) => part !== null);
  if (parts.length === 1) return present[0];
  if (isShared)
    return {
      a: present[0].a,
      b: stacked(
        present.map(({ b }) => b),
        place,
      ),
    };
  const rank = present[0].a.shape[0];
  const width = rank * present.length;
  const columns = parts.map((part, index): HostParameter => {
    const data = new Float32Array(place.rows[index] * width);
    const first = part === null ? 0 : present.indexOf(part) * rank;
    for (let o = 0; part !== null && o < place.rows[index]; o++) {
      for (let r = 0; r < rank; r++) data[o * width + first + r] = part.b.data[o * rank + r];
    }
    return { shape: [place.rows[index], width], data };
  });
  return { a: stackedRows(present.map(({ a }) => a)), b: stacked(columns, place) };
}

/**
 * The inverse of `fuseLowRank`.
 *
 * @param columns of each part: which of the ranks is its own, or null for none; absent where all share A
 */
export function splitLowRank(
  { a, b }: LowRank,
  place: Layout,
  columns?: readonly (number | null)[],
): (LowRank | null)[] {
  const { rows, layout, headDim } = place;
  const count = columns?.filter((column) => column !== null).length ?? 1;
  const rank = a.shape[0] / count;
  let start = 0;
  return rows.map((length, part) => {
    const own = layout === 'heads' ? headRowsOf(b, headDim, rows.length, part) : rowsOf(b, start, start + length);
    start += length;
    if (columns === undefined) return { a, b: rows.length === 1 ? b : own };
    const column = columns[part];
    if (column === null) return null;
    const data = Float32Array.from({ length: length * rank }, (_, i) => {
      return own.data[Math.floor(i / rank) * count * rank + column * rank + (i % rank)];
    });
    return { a: rowsOf(a, column * rank, (column + 1) * rank), b: { shape: [length, rank], data } };
  });
}

function stacked(parts: readonly HostParameter[], { layout, headDim }: Layout): HostParameter {
  return layout === 'heads' ? stackedHeadRows(parts, headDim) : stackedRows(parts);
}
