import { useWatched, WatchedValue } from '../ui/watched-value.ts';
import type { BenchReply, BenchSettings } from './bench-messages.ts';
import { type BenchView, IDLE, isBusy, nextView } from './bench-view.ts';
import { measuringWorker } from './measuring-worker.ts';

const view = new WatchedValue<BenchView>(IDLE);

/** The benchmarks of this window, anew with each change. */
export const useBench = (): BenchView => useWatched(view);

const worker = measuringWorker<BenchSettings, BenchReply>({
  create: () => new Worker(new URL('./bench-worker.ts', import.meta.url), { type: 'module' }),
  apply: (action) => {
    view.value = nextView(view.value, action);
  },
  isBusy: () => isBusy(view.value),
});

/** Starts measuring. */
export const startBench = worker.start;

/** Ends after the row in progress, or at once when that takes long. */
export const cancelBench = worker.cancel;
