import { useState } from 'preact/hooks';
import { useAddress } from '../../shell/address.ts';
import { oneOf, wholeNumber } from '../../shell/hash-params.ts';
import { PAGE_MODELS, type PageModelSize } from '../../training/page-models.ts';
import type { PageDevice } from '../../training/training-messages.ts';
import { askTraining } from '../../training/training-store.ts';
import type { TrainingView } from '../../training/training-view.ts';
import { useDroppedFiles } from '../../ui/use-dropped-files.ts';
import { TrainButtons } from './train-buttons.tsx';
import { type TrainSettings, TrainSettingsFields } from './train-settings.tsx';

const MINIMUM_TEXT = 2000;
const MAXIMUM_TEXT = 20_000_000;

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
      problem: `${file.name} has ${(file.size / 1e6).toFixed(0)} MB; the page takes 20. Train it with: npx @modajs/trainer train`,
    };
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer()), problem: null };
  } catch {
    return { text: '', problem: `${file.name} is not text in UTF-8. Choose another file.` };
  }
}

/** The settings that the address names; a start writes them there, so that a link repeats the run on a text of its own. */
function useLinkedSettings(): readonly [TrainSettings, (settings: TrainSettings) => void] {
  const [size, setSize] = useAddress<PageModelSize>(
    'model',
    'small',
    oneOf(Object.keys(PAGE_MODELS) as PageModelSize[]),
  );
  const [steps, setSteps] = useAddress('steps', '300', wholeNumber);
  const [device, setDevice] = useAddress<PageDevice>('device', 'auto', oneOf(['auto', 'webgpu', 'cpu']));
  const set = (next: TrainSettings): void => {
    setSize(next.size);
    setSteps(String(next.steps));
    setDevice(next.device);
  };
  return [{ size, steps: Number(steps), device }, set];
}

/** What to learn, with which model, for how long, on what; and the buttons that start, pause and stop. */
export function StartForm({ view: { phase } }: { readonly view: TrainingView }) {
  const [text, showText] = useState(kept);
  const [linked, setLinked] = useLinkedSettings();
  const [settings, setSettings] = useState(linked);
  const setText = (next: TextState): void => {
    kept = next;
    showText(next);
  };
  const take = async (file: File | undefined): Promise<void> => {
    if (file) setText(await readText(file));
  };
  useDroppedFiles((files) => void take(files[0]?.file));
  const canStart = text.text.length >= MINIMUM_TEXT && settings.steps >= 1;
  return (
    <form
      class="card"
      onSubmit={(event) => {
        event.preventDefault();
        setLinked(settings);
        askTraining({ kind: 'start', text: text.text, seed: 1, ...settings });
      }}
    >
      <TextField text={text} setText={setText} take={take} />
      <div class="row settings">
        <TrainSettingsFields settings={settings} onChange={setSettings} />
        <TrainButtons phase={phase} canStart={canStart} />
      </div>
    </form>
  );
}

interface TextFieldProps {
  readonly text: TextState;
  readonly setText: (text: TextState) => void;
  readonly take: (file: File | undefined) => Promise<void>;
}

function TextField({ text: { text, problem }, setText, take }: TextFieldProps) {
  const needed = text.length < MINIMUM_TEXT ? `; ${MINIMUM_TEXT.toLocaleString('en')} or more are needed` : '';
  const takeSample = async (): Promise<void> =>
    setText({ text: (await import('../../training/sample-text.ts')).SAMPLE_TEXT, problem: null });
  return (
    <>
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
        <button type="button" onClick={() => void takeSample()}>
          Take Moby Dick
        </button>
        <span id="text-count" class="note" role={problem ? 'alert' : undefined}>
          {problem ?? `${text.length.toLocaleString('en')} characters${needed}`}
        </span>
      </div>
    </>
  );
}
