import { useMemo, useState } from 'preact/hooks';
import { LineChart, type Series } from '../../charts/line-chart.tsx';
import type { MetricsRow } from '../../data/metrics-rows.ts';
import type { Variant } from '../../training/training-messages.ts';
import { type TrainingView, useTraining } from '../../training/use-training.ts';

const LABELS: Readonly<Record<Variant, string>> = { moda: 'MoDA', baseline: 'baseline' };
const VARIANTS: readonly Variant[] = ['moda', 'baseline'];
const MINIMUM_TEXT = 2000;

function series(view: TrainingView, field: string): Series[] {
  return VARIANTS.map((variant) => {
    const rows: readonly MetricsRow[] = view.rows[variant].filter((row) => Number.isFinite(row[field]));
    return { label: LABELS[variant], x: rows.map(({ step }) => step), y: rows.map((row) => row[field]) };
  }).filter(({ x }) => x.length > 0);
}

function Status({ view }: { readonly view: TrainingView }) {
  const step = view.rows.moda.at(-1)?.step ?? 0;
  const parameters =
    view.parameters &&
    VARIANTS.map((variant) => `${LABELS[variant]} ${view.parameters![variant].toLocaleString('en')} parameters`).join(
      ', ',
    );
  return (
    <p role="status" data-phase={view.phase}>
      {view.phase === 'failed' ? `Training stopped: ${view.error}` : `${view.phase}${step > 0 ? `, step ${step}` : ''}`}
      {view.device && ` on ${view.device}; ${parameters}`}
    </p>
  );
}

/** A MoDA model and its baseline train side by side in the page, on the visitor's device. */
export function TrainPage() {
  const [view, ask] = useTraining();
  const [text, setText] = useState('');
  const [steps, setSteps] = useState(300);
  const [device, setDevice] = useState<'auto' | 'webgpu' | 'cpu'>('auto');
  const [prompt, setPrompt] = useState('The ');
  const [loss, heldOut] = useMemo(() => [series(view, 'loss'), series(view, 'heldOutBitsPerByte')], [view.rows]);
  const isBusy = view.phase === 'preparing' || view.phase === 'training';
  const hasModel = view.phase === 'paused' || view.phase === 'finished';
  return (
    <section>
      <h1>Train in the page</h1>
      <p>
        A four-layer model with Mixture-of-Depths Attention and the same model without it learn your text, here, in this
        page. Nothing leaves your machine.
      </p>
      <label class="field">
        Text to learn ({text.length.toLocaleString('en')} characters; {MINIMUM_TEXT.toLocaleString('en')} or more)
        <textarea rows={8} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <div class="row">
        <label class="button">
          Choose a text file
          <input
            type="file"
            accept=".txt,.md,text/*"
            onChange={async (event) => setText((await event.currentTarget.files?.[0]?.text()) ?? '')}
          />
        </label>
        <label>
          Steps{' '}
          <input
            type="number"
            min={10}
            max={100_000}
            value={steps}
            onInput={(event) => setSteps(event.currentTarget.valueAsNumber)}
          />
        </label>
        <label>
          Device{' '}
          <select value={device} onChange={(event) => setDevice(event.currentTarget.value as typeof device)}>
            <option value="auto">auto</option>
            <option value="webgpu">WebGPU</option>
            <option value="cpu">WebAssembly</option>
          </select>
        </label>
        <button
          type="button"
          disabled={isBusy || text.length < MINIMUM_TEXT || !(steps >= 1)}
          onClick={() => ask({ kind: 'start', text, steps, seed: 1, device })}
        >
          Start
        </button>
        <button type="button" disabled={view.phase !== 'training'} onClick={() => ask({ kind: 'pause' })}>
          Pause
        </button>
        <button type="button" disabled={view.phase !== 'paused'} onClick={() => ask({ kind: 'resume' })}>
          Go on
        </button>
      </div>
      <Status view={view} />
      {loss.length > 0 && <LineChart title="Training loss (nats per token)" xLabel="step" series={loss} />}
      {heldOut.length > 0 && <LineChart title="Held-out bits per byte" xLabel="step" series={heldOut} />}
      <h2>Ask the models</h2>
      <div class="row">
        <label class="grow">
          Prompt <input type="text" value={prompt} onInput={(event) => setPrompt(event.currentTarget.value)} />
        </label>
        {VARIANTS.map((variant) => (
          <span key={variant}>
            <button
              type="button"
              disabled={!hasModel}
              onClick={() => ask({ kind: 'generate', variant, prompt, maxNewTokens: 120, temperature: 0.8 })}
            >
              {LABELS[variant]} continues
            </button>{' '}
            <button type="button" disabled={!hasModel} onClick={() => ask({ kind: 'export', variant })}>
              Export {LABELS[variant]}
            </button>
          </span>
        ))}
      </div>
      {VARIANTS.map(
        (variant) =>
          view.text[variant] !== '' && (
            <figure key={variant} class="sample">
              <figcaption>{LABELS[variant]}</figcaption>
              <blockquote>{view.text[variant]}</blockquote>
            </figure>
          ),
      )}
      {!hasModel && <p class="empty">Exported models open with: npx moda generate (folder of the unpacked zip)</p>}
    </section>
  );
}
