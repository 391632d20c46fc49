import { saveFile } from '../ui/save-file.ts';
import { useWatched, WatchedValue } from '../ui/watched-value.ts';
import { offerModel } from './offered-models.ts';
import { LABELS, type TrainingReply, type TrainingRequest } from './training-messages.ts';
import { IDLE, nextView, type TrainingAction, type TrainingView } from './training-view.ts';

const view = new WatchedValue<TrainingView>(IDLE);
let worker: Worker | null = null;
let waiting: Extract<TrainingReply, { kind: 'event' }>[] = [];
let timer: ReturnType<typeof setTimeout> | null = null;

/** Milliseconds between two views of a run that goes on. */
const VIEW_MS = 200;

/** What the training worker has told so far, anew with each change. */
export const useTraining = (): TrainingView => useWatched(view);

function apply(action: TrainingAction): void {
  view.value = nextView(view.value, action);
}

function applyWaiting(): void {
  if (timer !== null) clearTimeout(timer);
  const events = waiting;
  [timer, waiting] = [null, []];
  if (events.length > 0) apply({ kind: 'events', events });
}

function take(reply: TrainingReply): void {
  if (reply.kind === 'event') {
    waiting.push(reply);
    timer ??= setTimeout(applyWaiting, VIEW_MS);
    return;
  }
  applyWaiting();
  if (reply.kind === 'exported') receive(reply);
  apply(reply);
}

/** Forgets the conversation; the models stay. */
export function startNewChat(): void {
  apply({ kind: 'new-chat' });
}

/** Ends the training; its models stay, but for a run that has none yet. */
export function stopTraining(): void {
  if (view.value.phase === 'preparing') forgetTraining();
  else askTraining({ kind: 'stop' });
}

function forgetTraining(): void {
  worker?.terminate();
  worker = null;
  applyWaiting();
  view.value = IDLE;
}

/** Asks the worker, which belongs to the window and not to a page: training goes on while another page is shown. */
export function askTraining(request: TrainingRequest): void {
  if (worker === null || request.kind === 'start') startWorker();
  apply({ kind: 'asked', request });
  worker!.postMessage(request);
}

function startWorker(): void {
  worker?.terminate();
  waiting = [];
  const started = new Worker(new URL('./training-worker.ts', import.meta.url), { type: 'module' });
  // What a worker sent before its end may arrive after it.
  started.onmessage = ({ data }: MessageEvent<TrainingReply>) => {
    if (started === worker) take(data);
  };
  started.onerror = (event) => {
    if (started !== worker) return;
    apply({ kind: 'error', message: event.message || 'The training worker could not start. Reload the page.' });
  };
  worker = started;
}

function receive({ variant, purpose, zip }: Extract<TrainingReply, { kind: 'exported' }>): void {
  if (purpose === 'download') saveFile(zip, `moda-page-${variant}.zip`, 'application/zip');
  else {
    offerModel(`${LABELS[variant]}, trained in this page`, zip);
    if (!location.hash.startsWith('#/attention')) location.hash = '#/attention';
  }
}
