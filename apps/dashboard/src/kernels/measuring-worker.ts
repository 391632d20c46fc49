/** A row on a slow device may take minutes; who cancels does not wait for it longer than this. */
const PATIENCE_MS = 3000;

/** What a worker that measures may say of its end; everything else goes through as it is. */
type Ending = 'finished' | 'lost' | 'error';

/** What the window does itself, in the words of the worker's view. */
type WindowAction<Settings> =
  | { readonly kind: 'asked'; readonly settings: Settings }
  | { readonly kind: 'cancelling' }
  /** The worker was ended without an answer. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'error'; readonly message: string };

interface MeasuringWorkerOptions<Settings, Reply> {
  readonly create: () => Worker;
  readonly apply: (action: Reply | WindowAction<Settings>) => void;
  readonly isBusy: () => boolean;
}

/** Measurements in a worker that belongs to the window: they go on while another page is shown. One at a time. */
export function measuringWorker<Settings, Reply extends { readonly kind: string }>(
  options: MeasuringWorkerOptions<Settings, Reply>,
) {
  const { create, apply, isBusy } = options;
  const endings: readonly string[] = ['finished', 'lost', 'error'] satisfies Ending[];
  let worker: Worker | null = null;
  const end = (): void => {
    worker?.terminate();
    worker = null;
  };
  return {
    start(settings: Settings): void {
      end();
      const started = create();
      worker = started;
      started.onmessage = ({ data }: MessageEvent<Reply>) => {
        if (started !== worker) return;
        if (endings.includes(data.kind)) end();
        apply(data);
      };
      started.onerror = (event) => {
        if (started !== worker) return;
        end();
        apply({ kind: 'error', message: event.message || 'The worker could not start. Reload the page.' });
      };
      apply({ kind: 'asked', settings });
      started.postMessage({ kind: 'start', settings });
    },
    /** Ends after what is being measured, or at once when that takes long. */
    cancel(): void {
      const asked = worker;
      if (asked === null) return;
      asked.postMessage({ kind: 'cancel' });
      apply({ kind: 'cancelling' });
      setTimeout(() => {
        if (worker !== asked || !isBusy()) return;
        end();
        apply({ kind: 'ended' });
      }, PATIENCE_MS);
    },
  };
}
