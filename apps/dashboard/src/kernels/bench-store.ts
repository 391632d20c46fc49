import type { BenchReply, BenchSettings } from './bench-messages.ts';
import { type BenchAction, type BenchView, IDLE, isBusy, nextView } from './bench-view.ts';

/** A row on a slow device may take minutes; who cancels does not wait for it longer than this. */
const PATIENCE_MS = 3000;

const listeners = new Set<() => void>();
let view: BenchView = IDLE;
let worker: Worker | null = null;

/** What was measured so far. */
export function benchView(): BenchView {
  return view;
}

/** Calls back after each change; returns what ends that. */
export function onBenchChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

function apply(action: BenchAction): void {
  view = nextView(view, action);
  for (const listener of listeners) listener();
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
    if (worker !== asked || !isBusy(view)) return;
    endWorker();
    apply({ kind: 'ended' });
  }, PATIENCE_MS);
}
