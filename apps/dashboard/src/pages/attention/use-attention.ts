import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type {
  AttentionMaps,
  AttentionReply,
  AttentionRequest,
  OpenModelInfo,
} from '../../attention/attention-messages.ts';

/** What the page shows of the attention worker. */
export interface AttentionView {
  readonly phase: 'empty' | 'opening' | 'ready' | 'mapping' | 'failed' | 'lost';
  readonly progress: string;
  readonly model: OpenModelInfo | null;
  readonly maps: AttentionMaps | null;
  readonly error: string | null;
}

const EMPTY: AttentionView = { phase: 'empty', progress: '', model: null, maps: null, error: null };

function afterReply(view: AttentionView, reply: AttentionReply): AttentionView {
  switch (reply.kind) {
    case 'progress':
      return { ...view, progress: `Step ${reply.step} of ${reply.steps}, loss ${reply.loss?.toFixed(3) ?? '–'}` };
    case 'opened':
      return { ...view, phase: 'mapping', model: reply.model, maps: null, progress: '' };
    case 'maps':
      return { ...view, phase: 'ready', maps: reply.maps };
    case 'error': {
      const kept = reply.isLost || reply.during !== 'map' ? null : view.model;
      return { ...view, phase: reply.isLost ? 'lost' : 'failed', error: reply.message, model: kept, progress: '' };
    }
  }
}

/** A worker with a model, and where its attention goes. It starts with the first request and ends with the page. */
export function useAttention(prompt: string): readonly [AttentionView, (request: AttentionRequest) => void] {
  const [view, setView] = useState(EMPTY);
  const worker = useRef<Worker | null>(null);
  const latestPrompt = useRef(prompt);
  latestPrompt.current = prompt;
  useEffect(() => () => worker.current?.terminate(), []);
  const ask = useCallback((request: AttentionRequest) => {
    if (worker.current === null) {
      worker.current = new Worker(new URL('../../attention/attention-worker.ts', import.meta.url), { type: 'module' });
      worker.current.onmessage = ({ data }: MessageEvent<AttentionReply>) => {
        setView((before) => afterReply(before, data));
        if (data.kind === 'opened') worker.current!.postMessage({ kind: 'map', prompt: latestPrompt.current });
      };
      worker.current.onerror = (event) =>
        setView((before) => ({
          ...before,
          phase: 'failed',
          error: event.message || 'The worker could not start. Reload the page.',
        }));
    }
    setView((before) => ({
      ...before,
      phase: request.kind === 'map' ? 'mapping' : 'opening',
      progress: request.kind === 'train' ? 'Learning a vocabulary…' : '',
      error: null,
    }));
    worker.current.postMessage(request);
  }, []);
  return [view, ask];
}
