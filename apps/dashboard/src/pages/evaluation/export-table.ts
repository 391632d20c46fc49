import { type Certainties, differenceOf, type ScoreTable } from './scores.ts';

interface ExportedCell {
  readonly row: string;
  readonly model: string;
  readonly source: 'file' | 'paper';
  readonly value: number;
  readonly standardError: number | null;
  readonly difference: number | null;
  readonly pValue: number | null;
  readonly paired: boolean | null;
}

/** Every cell with a value, row by row. */
export function tableCells(table: ScoreTable, baseline: string, certainties: Certainties): ExportedCell[] {
  return table.rows.flatMap((row) =>
    table.columns.flatMap((column) => {
      const score = row.scores[column.id];
      if (!score) return [];
      const difference = differenceOf(row, column.id, baseline, certainties);
      return [
        {
          row: row.label,
          model: column.label,
          source: column.source,
          value: score.value,
          standardError: score.standardError,
          difference: difference?.difference ?? null,
          pValue: difference?.certainty?.pValue ?? null,
          paired: difference?.certainty?.paired ?? null,
        },
      ];
    }),
  );
}

/** A table as CSV (RFC 4180): one line a cell. */
export function tableCsv(table: ScoreTable, baseline: string, certainties: Certainties): string {
  const header = ['row', 'model', 'source', 'value', 'standardError', 'difference', 'pValue', 'paired'] as const;
  const lines = tableCells(table, baseline, certainties).map((cell) => header.map((key) => quote(cell[key])).join(','));
  return [header.join(','), ...lines, ''].join('\r\n');
}

function quote(value: string | number | boolean | null): string {
  const text = value === null ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
