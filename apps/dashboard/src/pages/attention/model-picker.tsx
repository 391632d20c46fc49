import { useEffect, useState } from 'preact/hooks';
import type { AttentionRequest, ModelFiles } from '../../attention/attention-messages.ts';
import { isServed, listServedFolder, listServedRuns, readServedFile } from '../../served/served-files.ts';
import { takeOfferedModel, useOfferedModel } from '../../training/offered-models.ts';
import { type AddedFile, chosenFiles, useDroppedFiles } from '../../ui/use-dropped-files.ts';

const STEPS = 150;
/** Files that a model is made of; logs and optimiser states are not read. */
const WANTED =
  /(^|\/)(config\.json|tokenizer\.json|state\.json|model\.safetensors(\.index\.json)?|model-\d+-of-\d+\.safetensors|[^/]+\.zip|optimizer\.safetensors|ema\.safetensors)$/;

interface ModelPickerProps {
  readonly isBusy: boolean;
  readonly ask: (request: AttentionRequest) => void;
  readonly onFailure: (message: string) => void;
}

/** Ways to a model: files, a served run, or a small one trained on the spot. */
export function ModelPicker({ isBusy, ask, onFailure }: ModelPickerProps) {
  const runs = useServedRuns(onFailure);
  const open = async (added: readonly AddedFile[]): Promise<void> => {
    const wanted = added.filter(({ path }) => WANTED.test(path));
    const files: ModelFiles = new Map(
      await Promise.all(
        wanted.map(async ({ path, file }) => [path, new Uint8Array(await file.arrayBuffer())] as const),
      ),
    );
    const name = added[0].path.includes('/') ? added[0].path.split('/')[0] : added[0].path.replace(/\.zip$/, '');
    ask({ kind: 'open', name, files });
  };
  const tryTo = (action: Promise<void>): void => void action.catch((error: Error) => onFailure(error.message));
  useDroppedFiles((added) => tryTo(open(added)));
  const offered = useOfferedModel();
  useEffect(() => {
    if (offered === null) return;
    takeOfferedModel();
    ask({ kind: 'open', name: offered.name, files: new Map([['model.zip', offered.zip]]) });
  }, [ask, offered]);
  return (
    <div class="row">
      <label class="button primary">
        Open a model
        <input
          type="file"
          multiple
          accept=".json,.safetensors,.zip"
          disabled={isBusy}
          onChange={({ currentTarget }) => {
            const files = chosenFiles(currentTarget);
            if (files.length > 0) tryTo(open(files));
          }}
        />
      </label>
      {runs.length > 0 && (
        <RunSelect
          runs={runs}
          isBusy={isBusy}
          onOpen={(run) => tryTo(servedFiles(run).then((files) => ask({ kind: 'open', name: run, files })))}
        />
      )}
      <button
        type="button"
        disabled={isBusy}
        onClick={async () =>
          ask({ kind: 'train', steps: STEPS, text: (await import('../../training/sample-text.ts')).SAMPLE_TEXT })
        }
      >
        Train a small one now
      </button>
    </div>
  );
}

interface RunSelectProps {
  readonly runs: readonly string[];
  readonly isBusy: boolean;
  onOpen(run: string): void;
}

/** Runs of the server behind this page. */
function RunSelect({ runs, isBusy, onOpen }: RunSelectProps) {
  return (
    <label class="field">
      <span class="visually-hidden">Run served here</span>
      <select
        value=""
        disabled={isBusy}
        onChange={({ currentTarget }) => {
          const run = currentTarget.value;
          if (run !== '') onOpen(run);
        }}
      >
        <option value="">Open a run…</option>
        {runs.map((run) => (
          <option key={run} value={run}>
            {run}
          </option>
        ))}
      </select>
    </label>
  );
}

function useServedRuns(onFailure: (message: string) => void): readonly string[] {
  const [runs, setRuns] = useState<readonly string[]>([]);
  useEffect(() => {
    if (isServed()) listServedRuns().then(setRuns, (error: Error) => onFailure(error.message));
  }, [onFailure]);
  return runs;
}

/** What of a served run a model needs: its newest checkpoint is verified whole, so all its files are read. */
async function servedFiles(run: string): Promise<ModelFiles> {
  const steps = (await listServedFolder(`${run}/checkpoints`)).filter((name) => name.startsWith('step-'));
  const newest = steps.sort().at(-1);
  if (newest === undefined) throw new Error(`${run} has no checkpoint yet. Wait for its first, or choose another run.`);
  const folder = `checkpoints/${newest}`;
  const names = await listServedFolder(`${run}/${folder}`);
  const paths = ['config.json', 'tokenizer.json', ...names.map((name) => `${folder}/${name}`)];
  const files = new Map<string, Uint8Array>();
  for (const path of paths) {
    const bytes = await readServedFile(`${run}/${path}`);
    if (bytes) files.set(path, bytes);
  }
  return files;
}
