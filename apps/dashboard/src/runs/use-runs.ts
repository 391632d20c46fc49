import { useEffect, useState } from 'preact/hooks';
import { isServed } from '../data/served.ts';
import { RunStore, type ShownRun } from './run-store.ts';
import { followRuns } from './served-runs.ts';

/** Curves are drawn again at most so often while they come in. */
const REDRAW_MS = 250;

/** The runs at one moment. */
export interface RunsView {
  readonly store: RunStore;
  readonly runs: readonly ShownRun[];
  /** `static`: no server; `connecting`, `live`, `lost`: the stream of news. */
  readonly connection: 'static' | 'connecting' | 'live' | 'lost';
  /** Whether the first list has come. */
  readonly isReady: boolean;
}

/** The runs of the page, a new view after every change. */
export function useRuns(): RunsView | null {
  const [view, setView] = useState<RunsView | null>(null);
  useEffect(() => {
    let connection: RunsView['connection'] = isServed() ? 'connecting' : 'static';
    let isReady = !isServed();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = (): void => {
      timer = undefined;
      setView({ store, runs: [...store.runs.values()], connection, isReady });
    };
    const soon = (): void => {
      timer ??= setTimeout(show, store.isLoading ? REDRAW_MS : 16);
    };
    const store = new RunStore(soon);
    const unfollow = followRuns(
      (news) => {
        isReady = true;
        store.take(news);
        soon();
      },
      (isLive) => {
        connection = isLive ? 'live' : 'lost';
        soon();
      },
    );
    show();
    return () => {
      clearTimeout(timer);
      unfollow();
      store.close();
    };
  }, []);
  return view;
}
