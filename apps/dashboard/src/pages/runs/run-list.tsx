import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { compactNumber } from '../../charts/format-number.ts';
import { runColour } from '../../charts/run-colour.ts';
import type { ShownRun } from '../../runs/run-store.ts';
import { runTitle } from '../../runs/run-title.ts';
import { useColorTheme } from '../../shell/color-theme.ts';

const ROW_HEIGHT = 46;
const OVERSCAN = 6;
/** A run that wrote within this time is being trained. */
const LIVE_MS = 15_000;

interface RunListProps {
  readonly runs: readonly ShownRun[];
  readonly onShow: (ids: readonly string[], isVisible: boolean) => void;
  readonly onOnly: (id: string) => void;
}

function lastValue(run: ShownRun, field: string): number | null {
  return run.series?.fields[field]?.mean.findLast((value) => value !== null) ?? null;
}

function detailOf(run: ShownRun): string {
  if (run.error !== null) return 'cannot be read';
  if (run.series === null) return run.served?.bytes === null ? 'no metrics yet' : run.isVisible ? 'loading…' : 'hidden';
  const step = run.series.lastStep;
  if (step === null) return 'no rows yet';
  const loss = lastValue(run, 'loss');
  const bad = run.series.badLines;
  const parts = [`step ${step.toLocaleString('en')}`, loss === null ? '' : `loss ${compactNumber(loss)}`];
  return [...parts, bad > 0 ? `${bad} damaged line${bad === 1 ? '' : 's'} left out` : ''].filter(Boolean).join(' · ');
}

function RunRow({
  run,
  place,
  count,
  top,
  ...props
}: Omit<RunListProps, 'runs'> & {
  readonly run: ShownRun;
  readonly place: number;
  readonly count: number;
  readonly top: number;
}) {
  const theme = useColorTheme();
  const isLive = run.served !== null && Date.now() - run.served.modifiedAt < LIVE_MS;
  return (
    <li class="run-row" style={{ top: `${top}px` }} aria-setsize={count} aria-posinset={place + 1}>
      <label title={run.error ?? run.name}>
        <input
          type="checkbox"
          checked={run.isVisible}
          style={{ accentColor: runColour(run.colour, theme) }}
          onChange={(event) => props.onShow([run.id], event.currentTarget.checked)}
        />
        <span class="run-text">
          <span class="run-name">
            {runTitle(run.name)}
            {isLive && <span class="run-live">live</span>}
          </span>
          <span class="run-detail">{detailOf(run)}</span>
        </span>
        <span class="run-mark" style={{ background: run.isVisible ? runColour(run.colour, theme) : 'transparent' }} />
      </label>
      <button
        type="button"
        class="run-only quiet"
        aria-label={`Show only ${run.name}`}
        onClick={() => props.onOnly(run.id)}
      >
        only
      </button>
    </li>
  );
}

/** What of an element's content is on the screen, pixels. */
function useScrolledPart(scroller: { readonly current: HTMLDivElement | null }): { top: number; height: number } {
  const [view, setView] = useState({ top: 0, height: 600 });
  useEffect(() => {
    const element = scroller.current!;
    const look = (): void => setView({ top: element.scrollTop, height: element.clientHeight });
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, [scroller]);
  return view;
}

/** The runs to choose from; only rows on the screen exist. */
export function RunList({ runs, onShow, onOnly }: RunListProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const view = useScrolledPart(scroller);
  const [filter, setFilter] = useState('');
  const shown = useMemo(() => {
    const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
    return runs.filter(({ name }) => words.every((word) => name.toLowerCase().includes(word)));
  }, [runs, filter]);
  const first = Math.max(0, Math.floor(view.top / ROW_HEIGHT) - OVERSCAN);
  const last = Math.min(shown.length, Math.ceil((view.top + view.height) / ROW_HEIGHT) + OVERSCAN);
  const ids = shown.map(({ id }) => id);
  const visible = runs.filter(({ isVisible }) => isVisible).length;
  return (
    <div class="run-list">
      <input
        type="search"
        placeholder="Filter runs"
        aria-label="Filter runs"
        value={filter}
        onInput={(event) => setFilter(event.currentTarget.value)}
      />
      <div class="run-list-head">
        <span>
          {visible} of {runs.length} shown
        </span>
        <button type="button" class="quiet" onClick={() => onShow(ids, true)}>
          All
        </button>
        <button type="button" class="quiet" onClick={() => onShow(ids, false)}>
          None
        </button>
      </div>
      <div class="run-scroller" ref={scroller} style={{ '--rows-height': `${shown.length * ROW_HEIGHT}px` }}>
        <ul aria-label="Runs" style={{ height: `${shown.length * ROW_HEIGHT}px` }}>
          {shown.slice(first, last).map((run, i) => (
            <RunRow
              key={run.id}
              run={run}
              place={first + i}
              count={shown.length}
              top={(first + i) * ROW_HEIGHT}
              onShow={onShow}
              onOnly={onOnly}
            />
          ))}
        </ul>
      </div>
    </div>
  );
}
