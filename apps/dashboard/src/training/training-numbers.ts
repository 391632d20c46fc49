import type { MetricsRow } from './training-view.ts';

/** The last value a model reported of a number that not every row has. */
export function latest(rows: readonly MetricsRow[], field: string): number | undefined {
  return rows.findLast((row) => Number.isFinite(row[field]))?.[field];
}

/** The median of a number over the rows that have it: one slow step, or the first, does not move it. */
export function median(rows: readonly MetricsRow[], field: string): number | undefined {
  const values = rows.map((row) => row[field]).filter((value) => Number.isFinite(value));
  values.sort((a, b) => a - b);
  const middle = values.length >> 1;
  return values.length % 2 === 1
    ? values[middle]
    : values.length === 0
      ? undefined
      : (values[middle - 1] + values[middle]) / 2;
}
