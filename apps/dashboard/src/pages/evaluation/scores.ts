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
  /** Whether every document was evaluated as its task says. */
  readonly isComplete: boolean;
}

/** One task or domain: a row. */
export interface ScoreRow {
  readonly id: string;
  readonly label: string;
  readonly digits: number;
  readonly higherIsBetter: boolean;
  readonly isAverage: boolean;
  /** What guessing gives, in the row's unit; null where it is not known, absent where nothing is guessed. */
  readonly chance?: number | null;
  /** By column id. */
  readonly scores: Readonly<Record<string, Score>>;
}

/** Rows by columns, unsorted. */
export interface ScoreTable {
  readonly columns: readonly ScoreColumn[];
  readonly rows: readonly ScoreRow[];
}

/** Columns that others may be compared with: an evaluation of a part of the documents is no measure of another. */
export function baselinesOf({ columns }: ScoreTable): readonly ScoreColumn[] {
  return columns.filter(({ isComplete }) => isComplete);
}

/**
 * Id of the baseline: the one asked for when it may be one, else the first complete file when there are several files, else
 * the paper's OLMo2-700M; the empty string when no column may be one.
 */
export function baselineOf(table: ScoreTable, asked: string | null): string {
  const candidates = baselinesOf(table);
  const hasSeveralFiles = table.columns.filter(({ source }) => source === 'file').length > 1;
  const first = (wanted: ScoreColumn['source']) => candidates.find(({ source }) => source === wanted);
  const fallback = (hasSeveralFiles ? first('file') : undefined) ?? first('paper') ?? candidates[0];
  return candidates.find(({ id }) => id === asked)?.id ?? fallback?.id ?? '';
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
  const ofColumn = certainties[column] ?? {};
  const certainty = Object.hasOwn(ofColumn, row.id) ? ofColumn[row.id] : null;
  return { difference: own.value - base.value, certainty };
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
