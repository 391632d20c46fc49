import { useMemo } from 'preact/hooks';
import './train.css';
import type { Curve } from '../../charts/curve.ts';
import { CurveChart } from '../../charts/curve-chart.tsx';
import { compactNumber } from '../../charts/format-number.ts';
import { LABELS, VARIANTS } from '../../training/training-messages.ts';
import { useTraining } from '../../training/training-store.ts';
import type { TrainingView } from '../../training/training-view.ts';
import { Chat } from './chat.tsx';
import { Exports } from './exports.tsx';
import { StartForm } from './start-form.tsx';
import { TrainingStatus } from './training-status.tsx';

/** A number of both models against the step, in the colours of their names. */
function curvesOf(rows: TrainingView['rows'], field: string): Curve[] {
  return VARIANTS.map((variant, i) => {
    const known = rows[variant].filter((row) => Number.isFinite(row[field]));
    const [x, y] = [known.map(({ step }) => step), known.map((row) => row[field])];
    return { label: LABELS[variant], colour: `var(--series-${i + 1})`, x, y };
  }).filter(({ x }) => x.length > 0);
}

const CHARTS = [
  { field: 'loss', title: 'Training loss (nats per token)', hasPoints: false },
  { field: 'heldOutBitsPerByte', title: 'Held-out bits per byte', hasPoints: true },
];

function Curves({ view: { rows } }: { readonly view: TrainingView }) {
  const charts = useMemo(() => CHARTS.map((chart) => ({ ...chart, curves: curvesOf(rows, chart.field) })), [rows]);
  const last = Math.max(2, rows.moda.at(-1)?.step ?? 0, rows.baseline.at(-1)?.step ?? 0);
  if (charts[0].curves.length === 0) return null;
  return (
    <div class="charts">
      {charts.map(
        ({ field, ...chart }) =>
          chart.curves.length > 0 && (
            <CurveChart
              key={field}
              {...chart}
              xLabel="step"
              from={0}
              to={last}
              formatX={compactNumber}
              formatY={compactNumber}
            />
          ),
      )}
    </div>
  );
}

/** A MoDA model and its baseline train side by side in the page, on the visitor's device. */
export function TrainPage() {
  const view = useTraining();
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
      <Curves view={view} />
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
