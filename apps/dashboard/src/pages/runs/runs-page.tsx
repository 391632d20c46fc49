import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import './runs-page.css';
import type { Axis } from '../../runs/axes.ts';
import { droppedRuns } from '../../runs/dropped-run.ts';
import { type RunsView, useRuns } from '../../runs/use-runs.ts';
import { useAddress } from '../../shell/address.ts';
import { oneOf } from '../../shell/hash-params.ts';
import { type AddedFile, useDroppedFiles } from '../../ui/use-dropped-files.ts';
import { FileButtons } from './file-buttons.tsx';
import { RunCharts } from './run-charts.tsx';
import { RunFiles } from './run-files.tsx';
import { RunList } from './run-list.tsx';
import { RunTable } from './run-table.tsx';
import { type DrawingOptions, RunToolbar } from './run-toolbar.tsx';

const CONNECTIONS: Readonly<Record<RunsView['connection'], string>> = {
  static: 'files only',
  connecting: 'connecting…',
  live: 'live',
  lost: 'connection lost, trying again…',
};

function Nothing({ view }: { readonly view: RunsView }) {
  if (!view.isReady) return <p class="empty">Looking for runs…</p>;
  const isServed = view.connection !== 'static';
  return (
    <div class="empty">
      <p>
        <strong>No run yet.</strong>{' '}
        {isServed
          ? 'Train one, and it appears here while it trains:'
          : 'Drop a run folder or its metrics.jsonl anywhere on this page. To follow runs while they train, serve them:'}
      </p>
      <pre>{isServed ? 'npx @modajs/trainer train' : 'npx @modajs/trainer dashboard --runs runs --open'}</pre>
    </div>
  );
}

const AXES: readonly Axis[] = ['step', 'tokens', 'time'];
const SCALES = ['linear', 'log'] as const;
/** 0 to 0.99 in hundredths, as the slider gives it. */
const readSmoothing = (text: string): string | null => (/^0(\.\d{1,2})?$/.test(text) ? text : null);

/** How curves are drawn, from the address: a link shows what its sender sees. */
function useDrawing(): readonly [DrawingOptions, (next: DrawingOptions) => void] {
  const [axis, setAxis] = useAddress<Axis>('axis', 'step', oneOf(AXES));
  const [scale, setScale] = useAddress<(typeof SCALES)[number]>('y', 'linear', oneOf(SCALES));
  const [linked, setLinked] = useAddress('smooth', '0', readSmoothing);
  // While the slider moves the page follows it; browsers refuse an address that changes a hundred times.
  const [smoothing, setSmoothing] = useState(Number(linked));
  useEffect(() => {
    const timer = setTimeout(() => setLinked(String(smoothing)), 400);
    return () => clearTimeout(timer);
  }, [smoothing]);
  const set = (next: DrawingOptions): void => {
    setAxis(next.axis);
    setScale(next.isLogY ? 'log' : 'linear');
    setSmoothing(next.smoothing);
  };
  return [{ axis, smoothing, isLogY: scale === 'log' }, set];
}

function Loaded({ view }: { readonly view: RunsView }) {
  const { store, runs } = view;
  const [options, setOptions] = useDrawing();
  const visible = useMemo(() => runs.filter(({ isVisible, series }) => isVisible && series !== null), [view]);
  const sampled = visible.filter(({ series }) => series?.detail === 'sampled').length;
  const only = (id: string): void => {
    store.show(
      runs.map((run) => run.id),
      false,
    );
    store.show([id], true);
  };
  const changeOptions = (next: DrawingOptions): void => {
    if (next.axis !== options.axis && store.range !== null) void store.zoom(null);
    setOptions(next);
  };
  return (
    <div class="runs-layout">
      <RunList runs={runs} onShow={(ids, isVisible) => store.show(ids, isVisible)} onOnly={only} />
      <div class="runs-main">
        <RunToolbar
          options={options}
          onOptions={changeOptions}
          isZoomed={store.range !== null}
          onReset={() => void store.zoom(null)}
        />
        <p class="sampled" aria-live="polite">
          {sampled > 0 &&
            `~ ${sampled} long ${sampled === 1 ? 'run is' : 'runs are'} drawn from a sample of rows; every row follows.`}
        </p>
        {visible.length === 0 && !store.isLoading ? (
          <p class="empty">Choose runs in the list to draw them.</p>
        ) : (
          <RunCharts runs={visible} options={options} range={store.range} onZoom={(range) => void store.zoom(range)} />
        )}
        <RunTable runs={visible} />
        <RunFiles runs={visible} />
      </div>
    </div>
  );
}

/** Curves, settings and samples of training runs: served and live, or dropped. */
export function RunsPage() {
  const view = useRuns();
  const take = useCallback((files: readonly AddedFile[]) => void view?.store.drop(droppedRuns(files)), [view?.store]);
  useDroppedFiles(take);
  if (view === null) return null;
  return (
    <section class="runs">
      <div class="runs-head">
        <h1>Training runs</h1>
        <span class={`connection is-${view.connection}`}>{CONNECTIONS[view.connection]}</span>
        <FileButtons onFiles={take} />
      </div>
      <p class="runs-message" role="status">
        {view.store.message}
      </p>
      {view.runs.length === 0 ? <Nothing view={view} /> : <Loaded view={view} />}
    </section>
  );
}
