import type { RawRow } from './metrics-row.ts';
import { type FieldSeries, fieldOf, type RunSeries } from './run-series.ts';

/** Curves with new rows behind, each a point of its own. Rows whose step does not grow are counted and left out. */
export function appendRows(
  series: RunSeries,
  added: { readonly rows: readonly RawRow[]; readonly end: number; readonly badLines: number },
): RunSeries {
  const step = [...series.step];
  const elapsedMs = [...series.elapsedMs];
  const fresh: RawRow[] = [];
  for (const row of added.rows) {
    const before = fresh.at(-1)?.step ?? series.lastStep ?? 0;
    if (step.length > 0 && row.step <= before) continue;
    const spent = typeof row.timeMs === 'number' ? row.timeMs * (row.step - before) : 0;
    elapsedMs.push((elapsedMs.at(-1) ?? 0) + spent);
    step.push(row.step);
    fresh.push(row);
  }
  const names = new Set(Object.keys(series.fields));
  for (const row of fresh)
    for (const name in row) if (typeof row[name] === 'number' && name !== 'step') names.add(name);
  return {
    ...series,
    step,
    elapsedMs,
    end: added.end,
    lastStep: fresh.at(-1)?.step ?? series.lastStep,
    rows: series.rows + fresh.length,
    badLines: series.badLines + added.badLines + added.rows.length - fresh.length,
    fields: Object.fromEntries([...names].map((name) => [name, appended(series, name, fresh)])),
  };
}

function appended(series: RunSeries, name: string, rows: readonly RawRow[]): FieldSeries {
  const before = fieldOf(series, name) ?? { mean: series.step.map(() => null) };
  const values = rows.map((row) => (typeof row[name] === 'number' ? (row[name] as number) : null));
  const { mean, low, high } = before;
  const longer = (own: FieldSeries['mean']): (number | null)[] => [...own, ...values];
  return low && high ? { mean: longer(mean), low: longer(low), high: longer(high) } : { mean: longer(mean) };
}
