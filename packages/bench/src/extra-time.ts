import type { BenchRow } from './result.ts';

/** The row with its extra time over its baseline, `(this - baseline) / this` of the medians, once both were measured. */
export function withExtraTime(row: BenchRow, rows: readonly BenchRow[]): BenchRow {
  const baseline = rows.find(({ id, total }) => id === row.baseline && total !== null);
  if (!baseline?.total || !row.total) return row;
  return { ...row, extraTime: (row.total.medianMs - baseline.total.medianMs) / row.total.medianMs };
}
