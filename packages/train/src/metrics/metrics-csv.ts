import { csvText } from './csv-text.ts';
import type { MetricsRow } from './metrics-log.ts';

/** A run's metrics as the text of a CSV file, a line for each logged step; units as in `MetricsRow`. */
export function metricsCsv(rows: readonly MetricsRow[]): string {
  return csvText(rows);
}
