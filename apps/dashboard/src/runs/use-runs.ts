import { useEffect, useState } from 'preact/hooks';
import { isServed } from '../served/served-files.ts';
import { RunStore, type ShownRun } from './run-store.ts';
import { followRuns } from './served-runs.ts';

/** Drawing may take a fifth of the time while curves come in: the page stays quick, however many lines it has. */
const IDLE_SHARE = 4;
const MAX_DELAY_MS = 3000;

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
    let costMs = 0;
    const show = (): void => {
      timer = undefined;
      const began = performance.now();
      setView({ store, runs: [...store.runs.values()], connection, isReady });
      requestAnimationFrame(() =>
        setTimeout(() => {
          costMs = performance.now() - began;
        }),
      );
    };
    const soon = (): void => {
      timer ??= setTimeout(show, Math.min(MAX_DELAY_MS, IDLE_SHARE * costMs));
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
