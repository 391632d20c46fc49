import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Term } from '../../terms/term.tsx';
import { saveFile } from '../../ui/save-file.ts';
import { tableCells, tableCsv } from './export-table.ts';
import { ScoreCell } from './score-cell.tsx';
import { type Certainties, differenceOf, type ScoreTable, sortRows } from './scores.ts';
import { GIVEN, SortHead } from './sort-head.tsx';

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

/** The table as files. */
function Downloads(props: ScoreTableProps) {
  const { table, baseline, certainties, fileName } = props;
  return (
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
  );
}

/** Models side by side, a row a task or domain; each value with its standard error and difference to the baseline. */
export function ScoreTableView(props: ScoreTableProps) {
  const { caption, rowName, table, baseline, certainties, children } = props;
  const [order, setOrder] = useState(GIVEN);
  const rows = sortRows(table.rows, order);
  const hasChance = rows.some(({ chance }) => chance !== undefined);
  return (
    <div class="card">
      <div class="card-head">
        <h2>{caption}</h2>
        <Downloads {...props} />
      </div>
      {children}
      {rows.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must take the keyboard's focus
        <section class="table-scroll" tabIndex={0} aria-label={`${caption}, table`}>
          <table class="scores">
            <thead>
              <tr>
                <SortHead label={rowName} by="label" order={order} setOrder={setOrder} />
                {hasChance && (
                  <th scope="col">
                    <Term of="chance">Chance</Term>
                  </th>
                )}
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
                  {hasChance && (
                    <td class="chance">
                      {row.chance === null || row.chance === undefined ? (
                        <span class="note">not known</span>
                      ) : (
                        row.chance.toFixed(row.digits)
                      )}
                    </td>
                  )}
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

function toJson({ caption, table, baseline, certainties }: Omit<ScoreTableProps, 'children'>): string {
  const column = table.columns.find(({ id }) => id === baseline);
  return `${JSON.stringify({ table: caption, baseline: column?.label ?? null, cells: tableCells(table, baseline, certainties) }, null, 2)}\n`;
}
