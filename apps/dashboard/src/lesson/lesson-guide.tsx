import evidence from 'virtual:evidence';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import './lesson.css';
import { Term } from '../terms/term.tsx';
import { askBoth } from '../training/ask-both.ts';
import { latest, median } from '../training/training-numbers.ts';
import { askTraining, useTraining } from '../training/training-store.ts';
import type { TrainingView } from '../training/training-view.ts';
import { keepStep, LESSON, type LessonStep, lessonHash, STEP_TITLES } from './lesson.ts';

/** Steps of the run of the lesson: the loss has left guessing far behind by then, in under a minute on one processor. */
const STEPS = 200;
const PROMPT = 'The whale ';

const hasModel = ({ phase }: TrainingView): boolean => phase === 'paused' || phase === 'finished';
const isBusy = ({ phase }: TrainingView): boolean =>
  phase === 'preparing' || phase === 'training' || phase === 'pausing';

/** The page's part of the step comes to the eye: on a phone it is below the fold. */
function show(selector: string): void {
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  setTimeout(() => document.querySelector(selector)?.scrollIntoView({ behavior: calm ? 'auto' : 'smooth' }), 100);
}

async function trainBoth(): Promise<void> {
  const { SAMPLE_TEXT } = await import('../training/sample-text.ts');
  askTraining({ kind: 'start', text: SAMPLE_TEXT, size: 'small', steps: STEPS, seed: 1, device: 'auto' });
  show('[data-phase]');
}

function Next({ step, children }: { readonly step: LessonStep; readonly children: ComponentChildren }) {
  return (
    <a class="button primary" href={lessonHash(step)}>
      {children}
    </a>
  );
}

/** What a step needs and the window has not: models do not outlive it. */
function TrainFirst() {
  return (
    <p>
      There is no trained model in this window yet. <a href={lessonHash('train')}>Train one first</a>: it takes a
      minute.
    </p>
  );
}

function Train({ view }: { readonly view: TrainingView }) {
  const step = view.rows.moda.at(-1)?.step ?? 0;
  return (
    <>
      <p>
        Two small models learn the first chapters of Moby Dick, here on your machine. One has{' '}
        <Term of="slot">slots</Term>; the other has none and a wider feed-forward part instead, so that both have as
        many parameters. Watch the loss: at first they guess among all tokens, then they learn letters, words, and the
        tone of the book.
      </p>
      <div class="row">
        {hasModel(view) ? (
          <Next step="look">Next: look inside</Next>
        ) : (
          <button type="button" class="primary" disabled={isBusy(view)} onClick={() => void trainBoth()}>
            {isBusy(view) ? `Training, step ${step} of ${view.steps}` : `Train both, ${STEPS} steps`}
          </button>
        )}
        <span class="note" role="status">
          {hasModel(view) ? 'Both are trained.' : isBusy(view) ? 'The curves below grow; read on meanwhile.' : ''}
        </span>
      </div>
    </>
  );
}

function Look({ view }: { readonly view: TrainingView }) {
  const isReady = hasModel(view);
  useEffect(() => {
    if (isReady) askTraining({ kind: 'export', variant: 'moda', purpose: 'attention' });
  }, [isReady]);
  if (!isReady) return <TrainFirst />;
  return (
    <>
      <p>
        This is your model’s attention. A row is a token; left of the dashed line are the tokens it reads, right of it
        the <Term of="slot">slots</Term> that earlier <Term of="block">blocks</Term> wrote for it. Choose other layers:
        layer 0 has no slots to read, later layers read two of each earlier one. Which heads have the largest{' '}
        <Term of="depthMass">depth mass</Term>, and which leave their weight on the first token, the{' '}
        <Term of="sink">sink</Term>?
      </p>
      <div class="row">
        <Next step="ask">Next: ask the models</Next>
        <button type="button" onClick={() => show('.matrices')}>
          Show the masses
        </button>
      </div>
    </>
  );
}

function Ask({ view }: { readonly view: TrainingView }) {
  if (!hasModel(view)) return <TrainFirst />;
  const isAsked = view.chat.length > 0;
  return (
    <>
      <p>
        The models answer no questions: they continue your words token by token, each drawn by its probability. After{' '}
        {view.rows.moda.at(-1)?.step} steps they spell and have some of the book’s tone; they make no sense yet.
      </p>
      <div class="row">
        <button
          type="button"
          class={isAsked ? '' : 'primary'}
          onClick={() => {
            askBoth(view.chat, PROMPT, 0.8);
            show('.chat');
          }}
        >
          Ask both: “{PROMPT.trim()}…”
        </button>
        {isAsked && <Next step="compare">Next: compare</Next>}
      </div>
    </>
  );
}

function Compare({ view }: { readonly view: TrainingView }) {
  if (!hasModel(view)) return <TrainFirst />;
  const { moda, baseline } = view.rows;
  const [own, other] = [latest(moda, 'heldOutBitsPerByte'), latest(baseline, 'heldOutBitsPerByte')];
  const [speed, plainSpeed] = [median(moda, 'tokensPerSecond'), median(baseline, 'tokensPerSecond')];
  const { difference, standardError, seeds } = evidence.preNormMatched;
  return (
    <>
      {own !== undefined && other !== undefined && (
        <p>
          On text that neither saw, MoDA needs <b>{own.toFixed(3)}</b> <Term of="bitsPerByte">bits per byte</Term>, the
          model without slots <b>{other.toFixed(3)}</b>: {aheadText(own, other)}
          {speed !== undefined &&
            plainSpeed !== undefined &&
            ` MoDA trained at ${Math.round((100 * speed) / plainSpeed)} % of the other’s speed.`}
        </p>
      )}
      <p>
        One run with one seed decides nothing: another seed may put the other model ahead. With {seeds}{' '}
        <Term of="seeds">paired seeds</Term>, larger models and {Math.round(evidence.preNormMatched.tokens / 1e6)}{' '}
        million tokens this project found a difference of {difference.toFixed(3).replace('-', '−')} ±{' '}
        {standardError.toFixed(3)} nats a token; the first page says how certain it is.
      </p>
      <div class="row">
        <button type="button" class="primary" onClick={() => finish('#/home')}>
          Finish
        </button>
        <button type="button" onClick={() => finish('#/train')}>
          Train on a text of yours
        </button>
      </div>
    </>
  );
}

/** The lesson is over: the first page offers it anew. */
function finish(hash: string): void {
  keepStep(null);
  location.hash = hash;
}

function aheadText(own: number, other: number): string {
  if (own === other) return 'they are even.';
  return `${own < other ? 'MoDA' : 'the model without slots'} is ahead by ${Math.abs(own - other).toFixed(3)}.`;
}

const BODIES: Readonly<Record<LessonStep, (props: { readonly view: TrainingView }) => ComponentChildren>> = {
  train: Train,
  look: Look,
  ask: Ask,
  compare: Compare,
};

/** A step of the lesson, above the page that it happens on. It can be left, and taken up where it was. */
export function LessonGuide({ step }: { readonly step: LessonStep }) {
  const view = useTraining();
  useEffect(() => keepStep(step), [step]);
  const Body = BODIES[step];
  return (
    <aside class="lesson" aria-label="Lesson">
      <div class="lesson-card">
        <div class="lesson-head">
          <h2>
            Step {LESSON.indexOf(step) + 1} of {LESSON.length}: {STEP_TITLES[step].toLowerCase()}
          </h2>
          <ol>
            {LESSON.map((one) => (
              <li key={one}>
                <a href={lessonHash(one)} aria-current={one === step ? 'step' : undefined}>
                  {STEP_TITLES[one]}
                </a>
              </li>
            ))}
          </ol>
          <a class="leave" href="#/home">
            Leave the lesson
          </a>
        </div>
        <Body view={view} />
      </div>
    </aside>
  );
}
