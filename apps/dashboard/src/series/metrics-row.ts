/** One line of `metrics.jsonl` as it stands there: `step` is a finite number, the rest is what the run wrote. */
export type RawRow = Readonly<Record<string, unknown>> & { readonly step: number };

/** The row of a line; null for what is no JSON object with a step: damaged, or half-written while a run goes on. */
export function parseRow(line: string): RawRow | null {
  try {
    const value = JSON.parse(line) as RawRow | null;
    return typeof value === 'object' && value !== null && Number.isFinite(value.step) ? value : null;
  } catch {
    return null;
  }
}
