import { tuningDatabase } from '@modajs/bench';
import { useEffect } from 'preact/hooks';
import { useWatched, WatchedValue } from '../ui/watched-value.ts';
import { loadAdapterTuning } from './adapter-tuning.ts';
import { isBusy } from './bench-view.ts';
import { measuringWorker } from './measuring-worker.ts';
import type { TuneReply, TuneSettings } from './tune-messages.ts';
import { nextTuneView, type TuneAction, type TuneView, UNTUNED } from './tune-view.ts';
import type { AdapterTuning } from './tuned-choice.ts';

const view = new WatchedValue<TuneView>(UNTUNED);
const adapter = new WatchedValue<AdapterTuning>({ kind: 'looking' });

/** The tuning of this window, anew with each change. */
export const useTuning = (): TuneView => useWatched(view);

/** What this browser keeps for this adapter, read when a page asks and anew with each change. */
export function useAdapterTuning(): AdapterTuning {
  useEffect(() => void readAdapter(), []);
  return useWatched(adapter);
}

async function readAdapter(): Promise<void> {
  adapter.value = await loadAdapterTuning();
}

function apply(action: TuneAction): void {
  view.value = nextTuneView(view.value, action);
  if (action.kind === 'outcome') void readAdapter();
}

const worker = measuringWorker<TuneSettings, TuneReply>({
  create: () => new Worker(new URL('./tune-worker.ts', import.meta.url), { type: 'module' }),
  apply,
  isBusy: () => isBusy(view.value),
});

/** Starts tuning; each class is kept when it is done. */
export const startTuning = worker.start;

/** Ends after the candidate in progress, or at once when that takes long; finished classes stay. */
export const cancelTuning = worker.cancel;

/** Deletes what this browser keeps for this adapter. */
export async function forgetTuning(): Promise<void> {
  if (adapter.value.kind !== 'adapter') return;
  try {
    await tuningDatabase(indexedDB).forget(adapter.value.key);
    apply({ kind: 'forgotten' });
  } catch (error) {
    apply({ kind: 'error', message: error instanceof Error ? error.message : String(error) });
  }
  await readAdapter();
}
