import { useEffect } from 'preact/hooks';
import { useWatched, WatchedValue } from '../ui/watched-value.ts';
import type { FigureReply, FigureRequest } from './figure-messages.ts';

const news = new WatchedValue<FigureReply | null>(null);
let worker: Worker | null = null;

function send(request: FigureRequest): void {
  worker?.postMessage(request);
}

function end(): void {
  worker?.terminate();
  worker = null;
}

function start(): void {
  if (worker !== null || news.value !== null) return;
  const started = new Worker(new URL('./figure-worker.ts', import.meta.url), { type: 'module' });
  started.onmessage = ({ data }: MessageEvent<FigureReply>) => {
    news.value = data;
    if (data.kind === 'error' || data.step === data.steps) end();
  };
  started.onerror = ({ message }) => {
    news.value = { kind: 'error', message: message || 'The worker of the figure could not start. Reload the page.' };
    end();
  };
  worker = started;
}

/** What the figure's model shows by now; null until its first look. It trains once a window, while the figure plays. */
export function useFigure(isPlaying: boolean): FigureReply | null {
  useEffect(start, []);
  useEffect(() => {
    // Without motion there is nothing to pause: the figure is still, and shows what was learnt.
    send(isPlaying ? 'resume' : 'pause');
    return () => send('resume');
  }, [isPlaying]);
  return useWatched(news);
}
