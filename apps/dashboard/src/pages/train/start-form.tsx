import { useState } from 'preact/hooks';
import { PAGE_MODELS, type PageModelSize } from '../../training/page-models.ts';
import type { PageDevice } from '../../training/training-messages.ts';
import { askTraining, stopTraining } from '../../training/training-store.ts';
import type { TrainingView } from '../../training/training-view.ts';
import { useDroppedFiles } from '../../ui/use-dropped-files.ts';

const MINIMUM_TEXT = 2000;
const MAXIMUM_TEXT = 20_000_000;

const DEVICES: Readonly<Record<PageDevice, string>> = {
  auto: 'WebGPU if there is a GPU',
  webgpu: 'WebGPU',
  cpu: 'WebAssembly',
};

interface TextState {
  readonly text: string;
  readonly problem: string | null;
}

/** The text outlives the page, as the training does. */
let kept: TextState = { text: '', problem: null };

/** Text of a file; what is not text is refused before it trains anything. */
async function readText(file: File): Promise<TextState> {
  if (file.size > MAXIMUM_TEXT)
    return {
      text: '',
      problem: `${file.name} has ${(file.size / 1e6).toFixed(0)} MB; the page takes 20. Train it with: npx moda train`,
    };
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer()), problem: null };
  } catch {
    return { text: '', problem: `${file.name} is not text in UTF-8. Choose another file.` };
  }
}

/** What to learn, with which model, for how long, on what; and the buttons that start, pause and stop. */
export function StartForm({ view: { phase } }: { readonly view: TrainingView }) {
  const [{ text, problem }, showText] = useState(kept);
  const setText = (next: TextState): void => {
    kept = next;
    showText(next);
  };
  const [size, setSize] = useState<PageModelSize>('small');
  const [steps, setSteps] = useState(300);
  const [device, setDevice] = useState<PageDevice>('auto');
  const isBusy = phase === 'preparing' || phase === 'training' || phase === 'pausing';
  const take = async (file: File | undefined): Promise<void> => {
    if (file) setText(await readText(file));
  };
  useDroppedFiles((files) => void take(files[0]?.file));
  const isShort = text.length < MINIMUM_TEXT;
  return (
    <form
      class="card"
      onSubmit={(event) => {
        event.preventDefault();
        askTraining({ kind: 'start', text, size, steps, seed: 1, device });
      }}
    >
      <label class="field">
        <span>Text to learn</span>
        <textarea
          rows={7}
          value={text}
          placeholder="Type, paste, or drop a text file anywhere on this page."
          aria-describedby="text-count"
          onInput={({ currentTarget }) => setText({ text: currentTarget.value, problem: null })}
        />
      </label>
      <div class="row under-text">
        <label class="button">
          Choose a file
          <input
            type="file"
            accept=".txt,.md,text/*"
            onChange={({ currentTarget }) => void take(currentTarget.files?.[0])}
          />
        </label>
        <button
          type="button"
          onClick={async () =>
            setText({ text: (await import('../../training/sample-text.ts')).SAMPLE_TEXT, problem: null })
          }
        >
          Take Moby Dick
        </button>
        <span id="text-count" class="note" role={problem ? 'alert' : undefined}>
          {problem ??
            `${text.length.toLocaleString('en')} characters${isShort ? `; ${MINIMUM_TEXT.toLocaleString('en')} or more are needed` : ''}`}
        </span>
      </div>
      <div class="row settings">
        <label class="field">
          <span class="field-label">Model</span>
          <select value={size} onChange={({ currentTarget }) => setSize(currentTarget.value as PageModelSize)}>
            {Object.entries(PAGE_MODELS).map(([key, { label }]) => (
              <option key={key} value={key}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          <span class="field-label">Steps</span>
          <input
            type="number"
            min={1}
            max={100_000}
            required
            value={steps}
            onInput={({ currentTarget }) => setSteps(currentTarget.valueAsNumber)}
          />
        </label>
        <label class="field">
          <span class="field-label">Device</span>
          <select value={device} onChange={({ currentTarget }) => setDevice(currentTarget.value as PageDevice)}>
            {Object.entries(DEVICES).map(([key, label]) => (
              <option key={key} value={key}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <div class="row buttons">
          <button type="submit" class="primary" disabled={isBusy || isShort || !(steps >= 1)}>
            Start
          </button>
          {phase === 'paused' ? (
            <button type="button" onClick={() => askTraining({ kind: 'resume' })}>
              Go on
            </button>
          ) : (
            <button type="button" disabled={phase !== 'training'} onClick={() => askTraining({ kind: 'pause' })}>
              Pause
            </button>
          )}
          <button type="button" disabled={!isBusy && phase !== 'paused'} onClick={stopTraining}>
            Stop
          </button>
        </div>
      </div>
    </form>
  );
}
