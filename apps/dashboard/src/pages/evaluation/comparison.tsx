import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import { scaledCertainties } from './scaled-certainties.ts';
import { ScoreTableView } from './score-table.tsx';
import { baselinesOf, type ScoreTable } from './scores.ts';
import type { Comparisons } from './use-comparisons.ts';

interface ComparisonProps {
  readonly caption: string;
  readonly rowName: string;
  readonly fileName: string;
  readonly table: ScoreTable;
  readonly baseline: string;
  readonly comparisons: Comparisons;
  readonly setAsked: (id: string) => void;
  readonly children: ComponentChildren;
}

/** A table of scores below the choice of its baseline and other controls, with what makes its files hard to compare. */
export function Comparison({ table, baseline, comparisons, setAsked, children, ...names }: ComparisonProps) {
  const certainties = useMemo(
    () => scaledCertainties(table, baseline, comparisons ?? {}),
    [table, baseline, comparisons],
  );
  const warnings = [...new Set(Object.values(comparisons ?? {}).flatMap((comparison) => comparison.warnings))];
  return (
    <ScoreTableView {...names} {...{ table, baseline, certainties }}>
      <div class="row controls">
        <label class="field">
          <span class="field-label">Baseline</span>
          <select value={baseline} onChange={({ currentTarget }) => setAsked(currentTarget.value)}>
            {baselinesOf(table).map(({ id, label, detail, source }) => (
              <option key={id} value={id}>
                {label} ({source === 'paper' ? 'paper' : detail.split(':')[0]})
              </option>
            ))}
          </select>
        </label>
        {children}
        {comparisons === null && (
          <span class="note" role="status">
            Comparing…
          </span>
        )}
      </div>
      {warnings.length > 0 && (
        <ul class="warnings" aria-label="What makes these files hard to compare">
          {warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
      {table.rows.length === 0 && (
        <p class="empty">Nothing to show in this unit: the paper prints no bits per byte. Add a perplexity file.</p>
      )}
    </ScoreTableView>
  );
}
