import { useWatched, WatchedValue } from '../ui/watched-value.ts';
import type { BenchReply, BenchSettings } from './bench-messages.ts';
import { type BenchAction, type BenchView, IDLE, isBusy, nextView } from './bench-view.ts';

/** A row on a slow device may take minutes; who cancels does not wait for it longer than this. */
const PATIENCE_MS = 3000;

const view = new WatchedValue<BenchView>(IDLE);
let worker: Worker | null = null;

/** The benchmarks of this window, anew with each change. */
export const useBench = (): BenchView => useWatched(view);

function apply(action: BenchAction): void {
  view.value = nextView(view.value, action);
}

function endWorker(): void {
  worker?.terminate();
  worker = null;
}

/** Starts measuring, in a worker that belongs to the window: it goes on while another page is shown. */
export function startBench(settings: BenchSettings): void {
  endWorker();
  const started = new Worker(new URL('./bench-worker.ts', import.meta.url), { type: 'module' });
  worker = started;
  started.onmessage = ({ data }: MessageEvent<BenchReply>) => {
    if (started !== worker) return;
    if (data.kind === 'finished' || data.kind === 'lost' || data.kind === 'error') endWorker();
    apply(data);
  };
  started.onerror = (event) => {
    if (started !== worker) return;
    endWorker();
    apply({ kind: 'error', message: event.message || 'The benchmark worker could not start. Reload the page.' });
  };
  apply({ kind: 'asked', settings });
  started.postMessage({ kind: 'start', settings });
}

/** Ends after the row in progress, or at once when that takes long. */
export function cancelBench(): void {
  const asked = worker;
  if (asked === null) return;
  asked.postMessage({ kind: 'cancel' });
  apply({ kind: 'cancelling' });
  setTimeout(() => {
    if (worker !== asked || !isBusy(view.value)) return;
    endWorker();
    apply({ kind: 'ended' });
  }, PATIENCE_MS);
}
