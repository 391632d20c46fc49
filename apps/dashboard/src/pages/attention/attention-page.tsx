import { useCallback, useState } from 'preact/hooks';
import './attention.css';
import { useAddress } from '../../shell/address.ts';
import { Maps } from './maps.tsx';
import { ModelPicker } from './model-picker.tsx';
import { type AttentionView, useAttention } from './use-attention.ts';

const PROMPT = 'The captain looked at the sea, and the whale looked back.';

/** Where a model's attention goes on a prompt: over the sequence, and over the depth of the model. */
export function AttentionPage() {
  const [linked, setLinked] = useAddress('prompt', PROMPT, (text) => text);
  const [prompt, setPrompt] = useState(linked);
  const [view, ask] = useAttention(prompt);
  const [failure, setFailure] = useState<string | null>(null);
  const isBusy = view.phase === 'opening' || view.phase === 'mapping';
  const askAnew = useCallback(
    (request: Parameters<typeof ask>[0]) => {
      setFailure(null);
      ask(request);
    },
    [ask],
  );
  return (
    <section>
      <h1>Depth attention</h1>
      <p>
        One softmax over two kinds of keys: the tokens before, and what earlier layers wrote at the same position. Open
        a checkpoint and see, head by head, how the weight is shared out.
      </p>
      <ModelPicker isBusy={isBusy} ask={askAnew} onFailure={setFailure} />
      <State view={view} failure={failure} />
      {view.model && (
        <form
          class="row prompt"
          onSubmit={(event) => {
            event.preventDefault();
            setLinked(prompt);
            ask({ kind: 'map', prompt });
          }}
        >
          <label class="field grow">
            <span class="field-label">Prompt</span>
            <input type="text" value={prompt} onInput={({ currentTarget }) => setPrompt(currentTarget.value)} />
          </label>
          <button type="submit" class="primary" disabled={isBusy || prompt === ''}>
            Look
          </button>
        </form>
      )}
      {view.model && view.maps && <Maps maps={view.maps} model={view.model.name} />}
    </section>
  );
}

function State({ view, failure }: { readonly view: AttentionView; readonly failure: string | null }) {
  const { phase, progress, model, error } = view;
  if (failure !== null || phase === 'failed')
    return (
      <div class="failure" role="alert">
        <p>
          <strong>That did not work.</strong> {failure ?? error}
        </p>
      </div>
    );
  if (phase === 'lost')
    return (
      <div class="failure" role="alert">
        <p>
          <strong>The GPU went away.</strong> Open the model again: the device is opened anew.
        </p>
        <p class="note">{error}</p>
      </div>
    );
  if (phase === 'opening')
    return (
      <p class="progress" role="status">
        {progress || 'Reading the model…'}
      </p>
    );
  if (model === null)
    return (
      <p class="empty">
        No model yet. Drop a run’s folder here, the zip that the Train page exports, or config.json, tokenizer.json and
        model.safetensors of a model. Without one, a small model trains here in some seconds.
      </p>
    );
  return (
    <p class="note" role="status">
      {model.name}: {model.depth}, {model.nLayers} layers, {model.nHeads} heads, {model.parameters.toLocaleString('en')}{' '}
      parameters, on {model.device}
    </p>
  );
}
