import { useCallback, useState } from 'preact/hooks';
import './attention.css';
import type { AttentionMaps } from '../../attention/attention-messages.ts';
import { saveFile } from '../../ui/save-file.ts';
import type { ScaleKind } from './color-scale.ts';
import { LayerHeatmap } from './layer-heatmap.tsx';
import { Legend } from './legend.tsx';
import { mapsJson } from './map-text.ts';
import { MassMatrix } from './mass-matrix.tsx';
import { ModelPicker } from './model-picker.tsx';
import { type AttentionView, useAttention } from './use-attention.ts';

const PROMPT = 'The captain looked at the sea, and the whale looked back.';

/** Where a model's attention goes on a prompt: over the sequence, and over the depth of the model. */
export function AttentionPage() {
  const [prompt, setPrompt] = useState(PROMPT);
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

function Maps({ maps, model }: { readonly maps: AttentionMaps; readonly model: string }) {
  const last = maps.layers.length - 1;
  const [picked, setPicked] = useState({ layer: last, head: 0 });
  const [scale, setScale] = useState<ScaleKind>('root');
  const layer = Math.min(picked.layer, last);
  const head = Math.min(picked.head, maps.nHeads - 1);
  const pick = (nextLayer: number, nextHead: number): void => setPicked({ layer: nextLayer, head: nextHead });
  const hasDepth = maps.layers.some(({ slots }) => slots.length > 0);
  return (
    <>
      <div class="card">
        <div class="card-head">
          <h2>
            Layer {layer}, head {head}
          </h2>
          <button
            type="button"
            class="quiet"
            onClick={() => saveFile(mapsJson(maps, model), 'attention.json', 'application/json')}
          >
            Values as JSON
          </button>
        </div>
        <div class="row map-controls">
          <NumberSelect
            label="Layer"
            count={maps.layers.length}
            value={layer}
            onChange={(value) => pick(value, head)}
          />
          <NumberSelect label="Head" count={maps.nHeads} value={head} onChange={(value) => pick(layer, value)} />
          <label class="field">
            <span class="field-label">Colours</span>
            <select value={scale} onChange={({ currentTarget }) => setScale(currentTarget.value as ScaleKind)}>
              <option value="root">small weights apart (root)</option>
              <option value="linear">linear</option>
            </select>
          </label>
          <Legend scale={scale} />
        </div>
        <p class="note">
          A query a row; its keys in the sequence{hasDepth ? ', and right of the dashed line its depth slots' : ''}.
          Each row sums to 1.
          {maps.tokensLeftOut > 0 && ` The last ${maps.tokensLeftOut} tokens of the prompt are left out.`}
          {layer === 0 && hasDepth && ' Layer 0 has no layers before it, so no slots.'}
        </p>
        <LayerHeatmap maps={maps} layer={layer} head={head} scale={scale} />
      </div>
      <div class="matrices">
        {hasDepth && (
          <MassMatrix
            title="Depth mass"
            note="Share of the softmax on depth slots, mean over the prompt."
            mass={maps.depthMass}
            {...{ scale, layer, head }}
            onPick={pick}
          />
        )}
        <MassMatrix
          title="Attention sink"
          note="Share of the softmax on the first token, mean over the prompt."
          mass={maps.sinkMass}
          {...{ scale, layer, head }}
          onPick={pick}
        />
      </div>
    </>
  );
}

interface NumberSelectProps {
  readonly label: string;
  readonly count: number;
  readonly value: number;
  readonly onChange: (value: number) => void;
}

function NumberSelect({ label, count, value, onChange }: NumberSelectProps) {
  return (
    <label class="field">
      <span class="field-label">{label}</span>
      <select value={value} onChange={({ currentTarget }) => onChange(Number(currentTarget.value))}>
        {Array.from({ length: count }, (_, i) => (
          <option key={i} value={i}>
            {i}
          </option>
        ))}
      </select>
    </label>
  );
}
