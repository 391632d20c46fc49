import { useMemo } from 'preact/hooks';
import './train.css';
import { LineChart, type Series } from '../../charts/line-chart.tsx';
import { LABELS, VARIANTS } from '../../training/training-messages.ts';
import type { TrainingView } from '../../training/training-view.ts';
import { useTraining } from '../../training/use-training.ts';
import { Chat } from './chat.tsx';
import { Exports } from './exports.tsx';
import { StartForm } from './start-form.tsx';
import { TrainingStatus } from './training-status.tsx';

function series(rows: TrainingView['rows'], field: string): Series[] {
  return VARIANTS.map((variant) => {
    const known = rows[variant].filter((row) => Number.isFinite(row[field]));
    return { label: LABELS[variant], x: known.map(({ step }) => step), y: known.map((row) => row[field]) };
  }).filter(({ x }) => x.length > 0);
}

/** A MoDA model and its baseline train side by side in the page, on the visitor's device. */
export function TrainPage() {
  const view = useTraining();
  const [loss, heldOut] = useMemo(
    () => [series(view.rows, 'loss'), series(view.rows, 'heldOutBitsPerByte')],
    [view.rows],
  );
  const hasModel = view.phase === 'paused' || view.phase === 'finished';
  return (
    <section>
      <h1>Train in the page</h1>
      <p>
        A model with Mixture-of-Depths Attention and the same model without it learn your text side by side, on this
        device. Nothing leaves your machine.
      </p>
      <StartForm view={view} />
      <TrainingStatus view={view} />
      {loss.length > 0 && (
        <div class="charts">
          <LineChart title="Training loss (nats per token)" xLabel="step" series={loss} />
          {heldOut.length > 0 && <LineChart title="Held-out bits per byte" xLabel="step" series={heldOut} />}
        </div>
      )}
      <Samples view={view} />
      {hasModel && <Chat turns={view.chat} />}
      {hasModel && <Exports />}
    </section>
  );
}

function Samples({ view: { samples, phase } }: { readonly view: TrainingView }) {
  if (VARIANTS.every((variant) => samples[variant] === '')) return null;
  return (
    <div class="card">
      <h2>What they write {phase === 'training' ? 'now' : 'at the end'}</h2>
      <div class="pair">
        {VARIANTS.map((variant) => (
          <figure key={variant} class="sample">
            <figcaption class={`name ${variant}`}>{LABELS[variant]}</figcaption>
            <blockquote>{samples[variant]}</blockquote>
          </figure>
        ))}
      </div>
    </div>
  );
}
