import type { ScoreColumn, SortOrder } from './scores.ts';

/** The order in which rows come. */
export const GIVEN: SortOrder = { by: 'given', descending: false };

interface SortHeadProps {
  readonly label: string;
  readonly column?: ScoreColumn;
  readonly isBaseline?: boolean;
  readonly by: SortOrder['by'];
  readonly order: SortOrder;
  readonly setOrder: (order: SortOrder) => void;
}

/** A column's head sorts by it: first in its natural direction, then reversed, then back to the given order. */
export function SortHead({ label, column, isBaseline, by, order, setOrder }: SortHeadProps) {
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
      {column && <span class="detail">{isBaseline ? `baseline · ${column.detail}` : column.detail}</span>}
    </th>
  );
}
