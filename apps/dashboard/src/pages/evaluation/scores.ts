import type { DifferenceStatistics } from '@modajs/eval';

/** One cell: a value in the row's unit and its standard error, where one is known. */
export interface Score {
  readonly value: number;
  readonly standardError: number | null;
}

/** One model: a column. */
export interface ScoreColumn {
  readonly id: string;
  readonly label: string;
  readonly detail: string;
  readonly source: 'file' | 'paper';
}

/** One task or domain: a row. */
export interface ScoreRow {
  readonly id: string;
  readonly label: string;
  readonly digits: number;
  readonly higherIsBetter: boolean;
  readonly isAverage: boolean;
  /** By column id. */
  readonly scores: Readonly<Record<string, Score>>;
}

/** Rows by columns, unsorted. */
export interface ScoreTable {
  readonly columns: readonly ScoreColumn[];
  readonly rows: readonly ScoreRow[];
}

/** Difference of a cell to the baseline's cell, in the row's unit. */
export interface CellDifference {
  readonly difference: number;
  /** Null where a standard error is not known, as for the paper's figures. */
  readonly certainty: (DifferenceStatistics & { readonly significant: boolean; readonly paired: boolean }) | null;
}

/** Certainty of differences to the baseline: by column id, then by row id. */
export type Certainties = Readonly<Record<string, Readonly<Record<string, NonNullable<CellDifference['certainty']>>>>>;

/** The difference of a cell to the baseline; null for the baseline itself and where one of the two is missing. */
export function differenceOf(
  row: ScoreRow,
  column: string,
  baseline: string,
  certainties: Certainties,
): CellDifference | null {
  const [own, base] = [row.scores[column], row.scores[baseline]];
  if (column === baseline || !own || !base) return null;
  return { difference: own.value - base.value, certainty: certainties[column]?.[row.id] ?? null };
}

/** How rows are ordered: as they come, by label, or by one column's values. */
export interface SortOrder {
  readonly by: 'given' | 'label' | { readonly column: string };
  readonly descending: boolean;
}

/** Rows in an order; averages stay below the rows they average, and cells without a value come last. */
export function sortRows(rows: readonly ScoreRow[], { by, descending }: SortOrder): ScoreRow[] {
  const sorted = [...rows];
  const sign = descending ? -1 : 1;
  if (by === 'label') sorted.sort((a, b) => sign * a.label.localeCompare(b.label, 'en'));
  else if (by !== 'given') {
    const columnValue = (row: ScoreRow) => row.scores[by.column]?.value;
    sorted.sort((a, b) => {
      const [x, y] = [columnValue(a), columnValue(b)];
      if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined);
      return sign * (x - y);
    });
  }
  return [...sorted.filter((row) => !row.isAverage), ...sorted.filter((row) => row.isAverage)];
}
