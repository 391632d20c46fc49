import type { AttentionMaps } from '../../attention/attention-messages.ts';
import { useAddress } from '../../shell/address.ts';
import { oneOf, wholeNumber } from '../../shell/hash-params.ts';
import { saveFile } from '../../ui/save-file.ts';
import type { ScaleKind } from './color-scale.ts';
import { LayerHeatmap } from './layer-heatmap.tsx';
import { Legend } from './legend.tsx';
import { mapsJson } from './map-text.ts';
import { MassMatrix } from './mass-matrix.tsx';
import { Overview } from './overview.tsx';

/** One head in full, four blocks at a glance, and the masses of all heads; what is picked in one is shown in all. */
export function Maps({ maps, model }: { readonly maps: AttentionMaps; readonly model: string }) {
  const last = maps.layers.length - 1;
  const [askedLayer, setLayer] = useAddress('layer', String(last), wholeNumber);
  const [askedHead, setHead] = useAddress('head', '0', wholeNumber);
  const [scale, setScale] = useAddress<ScaleKind>('colours', 'root', oneOf(['root', 'linear']));
  const layer = Math.min(Number(askedLayer), last);
  const head = Math.min(Number(askedHead), maps.nHeads - 1);
  const pick = (nextLayer: number, nextHead: number): void => {
    setLayer(String(nextLayer));
    setHead(String(nextHead));
  };
  const hasDepth = maps.layers.some(({ slots }) => slots.length > 0);
  return (
    <>
      {!hasDepth && (
        <p class="empty" role="note">
          <strong>This model has no depth slots.</strong> It is an ordinary transformer, or its mechanism does not read
          depth in attention: its softmax covers the sequence alone, and its depth mass is 0. To see slots, open a model
          trained with <code>depth: moda</code>, or train a small one now.
        </p>
      )}
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
          <ScaleSelect scale={scale} onChange={setScale} />
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
      <Overview {...{ maps, scale, layer, head }} onPick={pick} />
      <Masses {...{ maps, scale, layer, head }} onPick={pick} />
    </>
  );
}

interface MassesProps {
  readonly maps: AttentionMaps;
  readonly scale: ScaleKind;
  readonly layer: number;
  readonly head: number;
  onPick(layer: number, head: number): void;
}

/** The depth and sink masses of all heads. */
function Masses({ maps, scale, layer, head, onPick }: MassesProps) {
  const hasDepth = maps.layers.some(({ slots }) => slots.length > 0);
  return (
    <div class="matrices">
      {hasDepth && (
        <MassMatrix
          title="Depth mass"
          note="Share of the softmax on depth slots, mean over the prompt."
          mass={maps.depthMass}
          {...{ scale, layer, head }}
          onPick={onPick}
        />
      )}
      <MassMatrix
        title="Attention sink"
        note="Share of the softmax on the first token, mean over the prompt."
        mass={maps.sinkMass}
        {...{ scale, layer, head }}
        onPick={onPick}
      />
    </div>
  );
}

/** How weights become colours. */
function ScaleSelect({ scale, onChange }: { readonly scale: ScaleKind; onChange(scale: ScaleKind): void }) {
  return (
    <label class="field">
      <span class="field-label">Colours</span>
      <select value={scale} onChange={({ currentTarget }) => onChange(currentTarget.value as ScaleKind)}>
        <option value="root">small weights apart (root)</option>
        <option value="linear">linear</option>
      </select>
    </label>
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
