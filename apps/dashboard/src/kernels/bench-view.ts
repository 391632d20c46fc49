import type { BenchCeilings, BenchEnvironment, BenchRow } from '@modajs/bench';
import type { BenchReply, BenchSettings, PlannedRow } from './bench-messages.ts';
import type { MeasureReply } from './measure-messages.ts';

/** How far something is that is measured in a worker. */
export type BenchPhase = 'idle' | 'opening' | 'measuring' | 'cancelling' | 'finished' | 'cancelled' | 'lost' | 'failed';

/** What the page knows of its benchmarks. */
export interface BenchView {
  readonly phase: BenchPhase;
  readonly settings: BenchSettings | null;
  readonly device: string | null;
  readonly environment: BenchEnvironment | null;
  readonly ceilings: BenchCeilings | null;
  readonly planned: readonly PlannedRow[];
  /** What is being measured. */
  readonly current: string | null;
  /** Of all presets measured on this device, the newest of each id and library. */
  readonly rows: readonly BenchRow[];
  /** Rows of the run in progress. */
  readonly done: number;
  readonly error: string | null;
}

export const IDLE: BenchView = {
  phase: 'idle',
  settings: null,
  device: null,
  environment: null,
  ceilings: null,
  planned: [],
  current: null,
  rows: [],
  done: 0,
  error: null,
};

export type BenchAction =
  | BenchReply
  | { readonly kind: 'asked'; readonly settings: BenchSettings }
  | { readonly kind: 'cancelling' }
  /** The worker was ended without an answer. */
  | { readonly kind: 'ended' };

/** Whether something is being measured. */
export function isBusy({ phase }: { readonly phase: BenchPhase }): boolean {
  return phase === 'opening' || phase === 'measuring' || phase === 'cancelling';
}

/** The view after an action. */
export function nextView(view: BenchView, action: BenchAction): BenchView {
  switch (action.kind) {
    case 'asked':
      return { ...view, phase: 'opening', settings: action.settings, planned: [], current: null, done: 0, error: null };
    case 'ready':
      return {
        ...view,
        ...openedOn(view, action.environment),
        phase: 'measuring',
        device: action.device,
        planned: action.planned,
      };
    case 'ceilings':
      return { ...view, ceilings: action.ceilings };
    case 'measuring':
      return { ...view, current: action.what };
    case 'row':
      return { ...view, rows: withRow(view.rows, action.row), done: view.done + 1 };
    default:
      return { ...view, ...afterStop(action) };
  }
}

type StopAction = Exclude<MeasureReply, { kind: 'measuring' }> | { readonly kind: 'cancelling' | 'ended' };

/** What changes in the view of a measurement that is to stop, or has stopped. */
export function afterStop(action: StopAction): { phase: BenchPhase; current?: null; error?: string } {
  switch (action.kind) {
    case 'cancelling':
      return { phase: 'cancelling' };
    case 'finished':
      return { phase: action.cancelled ? 'cancelled' : 'finished', current: null };
    case 'ended':
      return { phase: 'cancelled', current: null };
    case 'lost':
    case 'error':
      return { phase: action.kind === 'lost' ? 'lost' : 'failed', current: null, error: action.message };
  }
}

/** Rows of another device do not stand beside those of this one as if they were its own. */
function openedOn(view: BenchView, environment: BenchEnvironment): Partial<BenchView> {
  const isSame = view.environment?.adapter === environment.adapter && view.environment.device === environment.device;
  return isSame ? {} : { environment, rows: [], ceilings: null };
}

function withRow(rows: readonly BenchRow[], row: BenchRow): BenchRow[] {
  return [...rows.filter(({ id, library }) => id !== row.id || library !== row.library), row];
}
