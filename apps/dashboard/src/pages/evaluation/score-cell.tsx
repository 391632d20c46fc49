import type { CellDifference, ScoreColumn, ScoreRow } from './scores.ts';

const signed = (value: number, digits: number): string =>
  (value > 0 ? '+' : '') + value.toFixed(digits).replace('-', '−');

interface ScoreCellProps {
  readonly row: ScoreRow;
  readonly id: string;
  readonly source: ScoreColumn['source'];
  readonly difference: CellDifference | null;
}

/** A value with its standard error, and below it the difference to the baseline. */
export function ScoreCell({ row, id, source, difference }: ScoreCellProps) {
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
