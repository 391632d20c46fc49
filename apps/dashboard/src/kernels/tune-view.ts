import type { TuneOutcome } from '@modajs/bench';
import { afterStop, type BenchPhase } from './bench-view.ts';
import type { TuneReply, TuneSettings } from './tune-messages.ts';

/** What the page knows of its tuning. */
export interface TuneView {
  readonly phase: BenchPhase;
  readonly device: string | null;
  readonly candidates: number;
  /** Candidates that are measured. */
  readonly done: number;
  /** What is being measured. */
  readonly current: string | null;
  /** Of the classes that are done. */
  readonly outcomes: readonly TuneOutcome[];
  readonly error: string | null;
}

export const UNTUNED: TuneView = {
  phase: 'idle',
  device: null,
  candidates: 0,
  done: 0,
  current: null,
  outcomes: [],
  error: null,
};

export type TuneAction =
  | TuneReply
  | { readonly kind: 'asked'; readonly settings: TuneSettings }
  | { readonly kind: 'cancelling' }
  /** The worker was ended without an answer. */
  | { readonly kind: 'ended' }
  /** The table was deleted: nothing is left to tell of it. */
  | { readonly kind: 'forgotten' };

/** The view after an action. */
export function nextTuneView(view: TuneView, action: TuneAction): TuneView {
  switch (action.kind) {
    case 'asked':
      return { ...UNTUNED, phase: 'opening' };
    case 'ready':
      return { ...view, phase: 'measuring', device: action.device, candidates: action.candidates };
    case 'measuring':
      return { ...view, current: action.what, done: view.current === null ? 0 : view.done + 1 };
    case 'outcome':
      return { ...view, outcomes: [...view.outcomes, action.outcome] };
    case 'forgotten':
      return UNTUNED;
    default:
      return { ...view, ...afterStop(action) };
  }
}
