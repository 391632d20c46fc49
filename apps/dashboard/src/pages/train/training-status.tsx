import { Term } from '../../terms/term.tsx';
import { LABELS, VARIANTS } from '../../training/training-messages.ts';
import { latest, median } from '../../training/training-numbers.ts';
import { askTraining } from '../../training/training-store.ts';
import type { MetricsRow, TrainingView } from '../../training/training-view.ts';

const PHASES: Readonly<Record<TrainingView['phase'], string>> = {
  idle: 'Nothing trains yet',
  preparing: 'Learning a vocabulary and opening the device…',
  training: 'Training',
  pausing: 'Ending the step…',
  paused: 'Paused',
  finished: 'Finished',
  lost: 'The device was lost',
  failed: 'Training stopped',
};

/** Where the training stands, and the way on when the device was lost. */
export function TrainingStatus({ view }: { readonly view: TrainingView }) {
  const { phase, steps, device, error } = view;
  const step = view.rows.moda.at(-1)?.step ?? 0;
  if (phase === 'idle')
    return (
      <p class="empty" role="status" data-phase={phase}>
        {PHASES.idle}. Give a text of some pages and press Start: 300 steps of the small model take about a minute
        without a GPU. Training goes on while you look at other pages.
      </p>
    );
  return (
    <div class="card" data-phase={phase}>
      <div class="card-head">
        <h2>
          <span role="status">{phase === 'finished' && step < steps ? 'Stopped' : PHASES[phase]}</span>
          {step > 0 && `, step ${step.toLocaleString('en')} of ${steps.toLocaleString('en')}`}
        </h2>
        <span class="note">{device}</span>
      </div>
      <progress max={steps} value={phase === 'preparing' && step === 0 ? undefined : step} aria-label="Steps done" />
      {phase === 'lost' && <Lost message={error} step={step} />}
      {phase === 'failed' && (
        <div class="failure" role="alert">
          <p>{error}</p>
        </div>
      )}
      {view.parameters && <Numbers view={view} />}
    </div>
  );
}

function Lost({ message, step }: { readonly message: string | null; readonly step: number }) {
  return (
    <div class="failure" role="alert">
      <p>
        <strong>The GPU went away{step > 0 ? ` at step ${step}` : ''}.</strong> A driver update, sleep, or another
        program can do that. The last checkpoint is kept; training goes on from it.
      </p>
      <p class="note">{message}</p>
      <div class="row">
        <button type="button" class="primary" onClick={() => askTraining({ kind: 'recover', device: 'auto' })}>
          Go on with the device anew
        </button>
        <button type="button" onClick={() => askTraining({ kind: 'recover', device: 'cpu' })}>
          Go on with WebAssembly
        </button>
      </div>
    </div>
  );
}

function Numbers({ view: { rows, parameters, vocabSize } }: { readonly view: TrainingView }) {
  const fixed = (value: number | undefined, digits: number): string => value?.toFixed(digits) ?? '–';
  const speed = (value: number | undefined): string =>
    value === undefined ? '–' : Math.round(value).toLocaleString('en');
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must take the keyboard's focus */}
      <section class="table-scroll" tabIndex={0} aria-label="Numbers of both models">
        <table>
          <thead>
            <tr>
              <th scope="col">Model</th>
              <th scope="col">Parameters</th>
              <th scope="col">Loss, nats a token</th>
              <th scope="col">
                <Term of="bitsPerByte">Bits per byte</Term>, held out
              </th>
              <th scope="col">Tokens a second, median</th>
              <th scope="col">
                <Term of="depthMass">Depth mass</Term>
              </th>
            </tr>
          </thead>
          <tbody>
            {VARIANTS.map((variant) => (
              <tr key={variant}>
                <th scope="row">
                  <span class={`name ${variant}`}>{LABELS[variant]}</span>
                </th>
                <td>{parameters![variant].toLocaleString('en')}</td>
                <td>{fixed(latest(rows[variant], 'loss'), 3)}</td>
                <td>{fixed(latest(rows[variant], 'heldOutBitsPerByte'), 3)}</td>
                <td>{speed(median(rows[variant], 'tokensPerSecond'))}</td>
                <td>{meanDepthMass(rows[variant])}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p class="note">
        The baseline has no <Term of="slot">slots</Term>; its feed-forward part is wider, so that it has{' '}
        {sizeText(parameters!.moda, parameters!.baseline)}. Loss is the mean surprise at the next token of the last
        batch, in nats: guessing among {vocabSize} tokens gives {Math.log(vocabSize!).toFixed(2)}, and lower is better.
        Held-out text is a twentieth of yours that neither model trains on. Depth mass is the mean over blocks that have
        slots to read.
      </p>
    </>
  );
}

/** How far the baseline's size is from MoDA's. */
function sizeText(moda: number, baseline: number): string {
  const difference = baseline - moda;
  if (difference === 0) return 'exactly as many parameters';
  return `as many parameters but for ${Math.abs(difference).toLocaleString('en')} ${difference > 0 ? 'more' : 'fewer'}`;
}

/** Share of the softmax on depth slots, mean over the layers that have any. */
function meanDepthMass(rows: readonly MetricsRow[]): string {
  const row = rows.findLast((candidate) => Object.keys(candidate).some((key) => key.startsWith('depthMass/')));
  const masses = Object.entries(row ?? {}).flatMap(([key, value]) => (key.startsWith('depthMass/') ? [value] : []));
  if (masses.length === 0) return '–';
  return `${((100 * masses.reduce((sum, mass) => sum + mass, 0)) / masses.length).toFixed(1)} %`;
}
