import type { TrainingReply, TrainingRequest, Variant } from './training-messages.ts';

/** A row of the metrics: numbers by name, `step` always among them. */
export type MetricsRow = Readonly<Record<string, number>>;

type ByVariant<T> = Readonly<Record<Variant, T>>;

/** A question and what each model has answered so far. */
export interface ChatTurn {
  readonly turn: number;
  readonly prompt: string;
  readonly answers: ByVariant<string>;
  readonly isWriting: ByVariant<boolean>;
}

/** All that the page shows of a training. */
export interface TrainingView {
  readonly phase: 'idle' | 'preparing' | 'training' | 'pausing' | 'paused' | 'finished' | 'lost' | 'failed';
  readonly device: string | null;
  readonly parameters: ByVariant<number> | null;
  /** Tokens of the vocabulary that was learnt; null before. */
  readonly vocabSize: number | null;
  readonly steps: number;
  readonly rows: ByVariant<readonly MetricsRow[]>;
  readonly samples: ByVariant<string>;
  readonly chat: readonly ChatTurn[];
  readonly error: string | null;
}

/** Before the first start. */
export const IDLE: TrainingView = {
  phase: 'idle',
  device: null,
  parameters: null,
  vocabSize: null,
  steps: 0,
  rows: { moda: [], baseline: [] },
  samples: { moda: '', baseline: '' },
  chat: [],
  error: null,
};

type EventReply = Extract<TrainingReply, { kind: 'event' }>;

/** What changes the view: a request of the page, an answer of the worker, or a new chat. */
export type TrainingAction =
  | Exclude<TrainingReply, EventReply>
  /** Events that came since the last look, oldest first: thousands of steps a second must not mean as many views. */
  | { readonly kind: 'events'; readonly events: readonly EventReply[] }
  | { readonly kind: 'asked'; readonly request: TrainingRequest }
  | { readonly kind: 'new-chat' };

/** The view after an action. */
export function nextView(view: TrainingView, action: TrainingAction): TrainingView {
  switch (action.kind) {
    case 'asked':
      return afterRequest(view, action.request);
    case 'new-chat':
      return { ...view, chat: [] };
    case 'ready':
      return {
        ...view,
        phase: 'training',
        device: action.device,
        parameters: action.parameters,
        vocabSize: action.vocabSize,
      };
    case 'events':
      return {
        ...view,
        rows: { moda: afterEvents(view, 'moda', action), baseline: afterEvents(view, 'baseline', action) },
      };
    case 'sample':
      return { ...view, samples: { ...view.samples, [action.variant]: action.text } };
    case 'paused':
    case 'finished':
      return { ...view, phase: action.kind };
    case 'text':
      return { ...view, chat: view.chat.map((turn) => (turn.turn === action.turn ? afterPiece(turn, action) : turn)) };
    case 'lost':
      return { ...view, phase: 'lost', error: action.message, chat: view.chat.map(withoutWriting) };
    case 'error':
      return { ...view, phase: 'failed', error: action.message, chat: view.chat.map(withoutWriting) };
    case 'exported':
      return view;
  }
}

function afterRequest(view: TrainingView, request: TrainingRequest): TrainingView {
  switch (request.kind) {
    case 'start':
      return { ...IDLE, phase: 'preparing', steps: request.steps };
    case 'resume':
      return { ...view, phase: 'training' };
    case 'recover':
      return { ...view, phase: 'preparing', error: null };
    case 'pause':
    case 'stop':
      return { ...view, phase: 'pausing' };
    case 'generate':
      return { ...view, chat: withQuestion(view.chat, request) };
    default:
      return view;
  }
}

function withQuestion(
  chat: readonly ChatTurn[],
  { turn, shown, variant }: Extract<TrainingRequest, { kind: 'generate' }>,
): readonly ChatTurn[] {
  const known = chat.find((candidate) => candidate.turn === turn);
  const next: ChatTurn = known ?? {
    turn,
    prompt: shown,
    answers: { moda: '', baseline: '' },
    isWriting: { moda: false, baseline: false },
  };
  const asked = { ...next, isWriting: { ...next.isWriting, [variant]: true } };
  return known ? chat.map((candidate) => (candidate.turn === turn ? asked : candidate)) : [...chat, asked];
}

function afterPiece(turn: ChatTurn, { variant, piece, isLast }: Extract<TrainingReply, { kind: 'text' }>): ChatTurn {
  return {
    ...turn,
    answers: { ...turn.answers, [variant]: turn.answers[variant] + piece },
    isWriting: { ...turn.isWriting, [variant]: !isLast },
  };
}

const withoutWriting = (turn: ChatTurn): ChatTurn => ({ ...turn, isWriting: { moda: false, baseline: false } });

/** A run that goes on from a checkpoint repeats rows after it: the newer ones take their place. */
function afterEvents(
  { rows }: TrainingView,
  variant: Variant,
  { events }: Extract<TrainingAction, { kind: 'events' }>,
): readonly MetricsRow[] {
  const next = [...rows[variant]];
  for (const { variant: of, event } of events) {
    if (of !== variant || (event.kind !== 'step' && event.kind !== 'evaluation')) continue;
    const row = event.row as MetricsRow;
    while (event.kind === 'step' && next.length > 0 && next[next.length - 1].step >= row.step) next.pop();
    next.push(row);
  }
  return next;
}
