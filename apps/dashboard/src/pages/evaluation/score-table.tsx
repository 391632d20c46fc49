import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { saveFile } from '../../ui/save-file.ts';
import { tableCells, tableCsv } from './export-table.ts';
import {
  type CellDifference,
  type Certainties,
  differenceOf,
  type ScoreColumn,
  type ScoreRow,
  type ScoreTable,
  type SortOrder,
  sortRows,
} from './scores.ts';

interface ScoreTableProps {
  readonly caption: string;
  readonly rowName: string;
  readonly table: ScoreTable;
  readonly baseline: string;
  readonly certainties: Certainties;
  readonly fileName: string;
  /** Shown between the caption and the table. */
  readonly children: ComponentChildren;
}

const GIVEN: SortOrder = { by: 'given', descending: false };
const signed = (value: number, digits: number): string =>
  (value > 0 ? '+' : '') + value.toFixed(digits).replace('-', '−');

/** Models side by side, a row a task or domain; each value with its standard error and difference to the baseline. */
export function ScoreTableView(props: ScoreTableProps) {
  const { caption, rowName, table, baseline, certainties, fileName, children } = props;
  const [order, setOrder] = useState(GIVEN);
  const rows = sortRows(table.rows, order);
  return (
    <div class="card">
      <div class="card-head">
        <h2>{caption}</h2>
        <div class="downloads">
          <button
            type="button"
            class="quiet"
            onClick={() => saveFile(tableCsv(table, baseline, certainties), `${fileName}.csv`, 'text/csv')}
          >
            CSV
          </button>
          <button
            type="button"
            class="quiet"
            onClick={() => saveFile(toJson(props), `${fileName}.json`, 'application/json')}
          >
            JSON
          </button>
        </div>
      </div>
      {children}
      {rows.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must take the keyboard's focus
        <section class="table-scroll" tabIndex={0} aria-label={`${caption}, table`}>
          <table class="scores">
            <thead>
              <tr>
                <SortHead label={rowName} by="label" order={order} setOrder={setOrder} />
                {table.columns.map((column) => (
                  <SortHead
                    key={column.id}
                    label={column.label}
                    column={column}
                    isBaseline={column.id === baseline}
                    by={{ column: column.id }}
                    order={order}
                    setOrder={setOrder}
                  />
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.id} class={row.isAverage ? 'average' : undefined}>
                  <th scope="row">{row.label}</th>
                  {table.columns.map(({ id, source }) => (
                    <ScoreCell
                      key={id}
                      row={row}
                      id={id}
                      source={source}
                      difference={differenceOf(row, id, baseline, certainties)}
                    />
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </div>
  );
}

interface SortHeadProps {
  readonly label: string;
  readonly column?: ScoreColumn;
  readonly isBaseline?: boolean;
  readonly by: SortOrder['by'];
  readonly order: SortOrder;
  readonly setOrder: (order: SortOrder) => void;
}

/** A column's head sorts by it: first in its natural direction, then reversed, then back to the given order. */
function SortHead({ label, column, isBaseline, by, order, setOrder }: SortHeadProps) {
  const isSorted = JSON.stringify(order.by) === JSON.stringify(by);
  const startsDescending = by !== 'label';
  const next = (): SortOrder => {
    if (!isSorted) return { by, descending: startsDescending };
    return order.descending === startsDescending ? { by, descending: !startsDescending } : GIVEN;
  };
  const direction = order.descending ? 'descending' : 'ascending';
  return (
    <th scope="col" class={column?.source} aria-sort={isSorted ? direction : undefined}>
      <button type="button" class="sort" onClick={() => setOrder(next())}>
        {label}
        <span aria-hidden="true" class="arrow">
          {isSorted ? (order.descending ? '↓' : '↑') : ''}
        </span>
      </button>
      {column && <span class="detail">{isBaseline ? 'baseline' : column.detail}</span>}
    </th>
  );
}

interface ScoreCellProps {
  readonly row: ScoreRow;
  readonly id: string;
  readonly source: ScoreColumn['source'];
  readonly difference: CellDifference | null;
}

function ScoreCell({ row, id, source, difference }: ScoreCellProps) {
  const score = row.scores[id];
  if (!score)
    return (
      <td class={source}>
        <span class="missing">
          <span aria-hidden="true">·</span>
          <span class="visually-hidden">no value</span>
        </span>
      </td>
    );
  return (
    <td class={source}>
      <span class="value">
        {score.value.toFixed(row.digits)}
        {score.standardError !== null && <span class="error"> ± {score.standardError.toFixed(row.digits)}</span>}
      </span>
      {difference && <Difference row={row} difference={difference} />}
    </td>
  );
}

/** Better or worse is told by the arrow and the colour, certainty by the star and the weight. */
function Difference({
  row,
  difference: { difference, certainty },
}: {
  readonly row: ScoreRow;
  readonly difference: CellDifference;
}) {
  const isBetter = difference !== 0 && difference > 0 === row.higherIsBetter;
  const rounded = signed(difference, row.digits);
  const word = difference === 0 ? 'same' : isBetter ? 'better' : 'worse';
  const interval =
    certainty &&
    `p = ${certainty.pValue.toFixed(3)}, 95 % ${signed(certainty.low, row.digits)} to ${signed(certainty.high, row.digits)}, ${
      certainty.paired ? 'documents paired' : 'not paired'
    }`;
  return (
    <span
      class={`difference ${word} ${certainty?.significant ? 'significant' : ''}`}
      title={interval ?? 'no standard error to judge by'}
    >
      <span aria-hidden="true">{word === 'same' ? '' : isBetter ? '▲' : '▼'}</span>
      <span class="visually-hidden">{word} by</span> {rounded}
      {certainty?.significant && (
        <>
          <span aria-hidden="true">*</span>
          <span class="visually-hidden">, significant</span>
        </>
      )}
    </span>
  );
}

function toJson({ caption, table, baseline, certainties }: Omit<ScoreTableProps, 'children'>): string {
  const column = table.columns.find(({ id }) => id === baseline);
  return `${JSON.stringify({ table: caption, baseline: column?.label ?? null, cells: tableCells(table, baseline, certainties) }, null, 2)}\n`;
}
