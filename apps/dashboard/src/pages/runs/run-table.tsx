import { useMemo, useState } from 'preact/hooks';
import { runColour } from '../../charts/run-colour.ts';
import { type ResultKey, resultOf, sortResults } from '../../runs/best-held-out.ts';
import type { ShownRun } from '../../runs/run-store.ts';
import { runTitle } from '../../runs/run-title.ts';
import { useAddress } from '../../shell/address.ts';
import { useColorTheme } from '../../shell/color-theme.ts';
import { Term } from '../../terms/term.tsx';

const KEYS: readonly ResultKey[] = ['title', 'best', 'bitsPerByte', 'lastStep'];
const LABELS: Readonly<Record<ResultKey, string>> = {
  title: 'Run',
  best: 'Best held-out loss, nats a token',
  bitsPerByte: 'Bits per byte, last',
  lastStep: 'Last step',
};

/** Of more runs the table is made when it is opened: curves come first. */
const MANY = 20;

/** `best`, or `-best` for the largest first. */
const readSort = (text: string): string | null =>
  KEYS.some((key) => text === key || text === `-${key}`) ? text : null;

/** The runs that are drawn, by their best held-out loss or what else a reader sorts by; the order is in the address. */
export function RunTable({ runs }: { readonly runs: readonly ShownRun[] }) {
  const theme = useColorTheme();
  const [sort, setSort] = useAddress('sort', 'best', readSort);
  const [key, isDescending] = [sort.replace('-', '') as ResultKey, sort.startsWith('-')];
  const [chosen, setOpen] = useState<boolean | null>(null);
  const isOpen = chosen ?? runs.length <= MANY;
  const results = useMemo(
    () => (isOpen ? sortResults(runs.map(resultOf), key, isDescending) : []),
    [isOpen, runs, key, isDescending],
  );
  if (runs.length === 0) return null;
  return (
    <details
      class="run-results"
      open={isOpen}
      onToggle={({ currentTarget }) => currentTarget.open !== isOpen && setOpen(currentTarget.open)}
    >
      <summary>Results by best held-out loss</summary>
      <p class="note">
        <Term of="heldOutLoss">Held-out loss</Term> and <Term of="bitsPerByte">bits per byte</Term> of the runs that are
        drawn.
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="table-scroll" tabIndex={0} aria-label="Results of runs">
        <table>
          <thead>
            <tr>
              {KEYS.map((one) => (
                <th
                  key={one}
                  scope="col"
                  aria-sort={one === key ? (isDescending ? 'descending' : 'ascending') : undefined}
                >
                  <button
                    type="button"
                    class="quiet"
                    onClick={() => setSort(one === key && !isDescending ? `-${one}` : one)}
                  >
                    {LABELS[one]} <span aria-hidden="true">{one === key ? (isDescending ? '↓' : '↑') : ''}</span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {results.map(({ run, best, bitsPerByte, lastStep }) => (
              <tr key={run.id}>
                <th scope="row" title={run.name}>
                  <span class="result-mark" style={{ background: runColour(run.colour, theme) }} />
                  {runTitle(run.name)}
                </th>
                <td>
                  {best === null
                    ? '–'
                    : `${best.loss.toFixed(4)} near step ${Math.round(best.step).toLocaleString('en')}`}
                </td>
                <td>{bitsPerByte === null ? '–' : bitsPerByte.toFixed(4)}</td>
                <td>{lastStep === null ? '–' : lastStep.toLocaleString('en')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  );
}
