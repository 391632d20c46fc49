import { useState } from 'preact/hooks';
import { type BenchSettings, PEERS, type PeerName } from '../../kernels/bench-messages.ts';
import { cancelBench, startBench } from '../../kernels/bench-store.ts';
import { type BenchView, isBusy } from '../../kernels/bench-view.ts';
import { useAdapterTuning, useTuning } from '../../kernels/tune-store.ts';
import { tunedObstacle } from '../../kernels/tuned-choice.ts';
import { useAddress } from '../../shell/address.ts';
import { oneOf } from '../../shell/hash-params.ts';
import { TunePanel } from './tune-panel.tsx';

const SCALES: readonly (readonly [BenchSettings['scale'], string])[] = [
  ['fit', 'fit this device'],
  ['smoke', 'tiny, seconds'],
  ['paper', 'as published'],
];

const DEVICES: readonly (readonly [BenchSettings['device'], string])[] = [
  ['auto', 'automatic'],
  ['webgpu', 'WebGPU'],
  ['cpu', 'WebAssembly'],
];

interface BenchFormProps {
  readonly view: BenchView;
  readonly preset: BenchSettings['preset'];
}

function Choice<T extends string>(props: {
  readonly name: string;
  readonly label: string;
  readonly value: T;
  readonly options: readonly (readonly [T, string])[];
  readonly onChange: (value: T) => void;
}) {
  return (
    <label class="field">
      <span class="field-label">{props.label}</span>
      <select
        name={props.name}
        value={props.value}
        onChange={({ currentTarget }) => props.onChange(currentTarget.value as T)}
      >
        {props.options.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </label>
  );
}

/** What to measure and on what, and the way it goes. */
export function BenchForm({ view, preset }: BenchFormProps) {
  const [scale, setScale] = useAddress<BenchSettings['scale']>('sizes', 'fit', oneOf(SCALES.map(([name]) => name)));
  const [device, setDevice] = useAddress<BenchSettings['device']>(
    'device',
    'auto',
    oneOf(DEVICES.map(([name]) => name)),
  );
  const [peers, setPeers] = useState<readonly PeerName[]>([]);
  const [wantsTuned, setWantsTuned] = useState(view.settings?.isTuned ?? false);
  const tuning = useTuning();
  const adapter = useAdapterTuning();
  const isTuned = wantsTuned && tunedObstacle(adapter, device) === null;
  const toggle = (peer: PeerName): void =>
    setPeers((before) => (before.includes(peer) ? before.filter((other) => other !== peer) : [...before, peer]));
  const hasPeers = preset === 'matmul' || preset === 'attention';
  return (
    <div class="card bench-form">
      <div class="row">
        <Choice name="scale" label="Sizes" value={scale} options={SCALES} onChange={setScale} />
        <Choice name="device" label="Device" value={device} options={DEVICES} onChange={setDevice} />
        {hasPeers && (
          <fieldset class="choices">
            <legend class="field-label">Beside it, on the same shapes</legend>
            {PEERS.map((peer) => (
              <button key={peer} type="button" aria-pressed={peers.includes(peer)} onClick={() => toggle(peer)}>
                {peer}
              </button>
            ))}
          </fieldset>
        )}
        {isBusy(view) ? (
          <button type="button" class="bench-go" disabled={view.phase === 'cancelling'} onClick={cancelBench}>
            {view.phase === 'cancelling' ? 'Cancelling…' : 'Cancel'}
          </button>
        ) : (
          <button
            type="button"
            class="primary bench-go"
            disabled={isBusy(tuning)}
            onClick={() => startBench({ preset, scale, device, peers: hasPeers ? peers : [], isTuned })}
          >
            Measure on this device
          </button>
        )}
      </div>
      <BenchProgress view={view} />
      <TunePanel
        view={tuning}
        adapter={adapter}
        settings={{ preset, scale }}
        device={device}
        isMeasuring={isBusy(view)}
        isTuned={isTuned}
        onToggle={() => setWantsTuned(!isTuned)}
      />
    </div>
  );
}

function BenchProgress({ view }: { readonly view: BenchView }) {
  const { phase, planned, done, current, error, device } = view;
  if (phase === 'failed' || phase === 'lost')
    return (
      <div class="failure" role="alert" data-phase={phase}>
        <p>
          <strong>{phase === 'lost' ? 'The device went away.' : 'The benchmark stopped.'}</strong> {error}
        </p>
        <p>What was measured stays. {phase === 'lost' && 'Choose tiny sizes or WebAssembly, and measure again.'}</p>
      </div>
    );
  return (
    <div class="bench-progress" data-phase={phase}>
      {isBusy(view) && (
        <progress aria-label="Rows measured" max={Math.max(1, planned.length)} value={Math.min(done, planned.length)} />
      )}
      <p class="note" role="status">
        {statusText(phase, done, planned.length, current)}
        {device !== null && phase !== 'idle' && ` on ${device}`}
      </p>
    </div>
  );
}

function statusText(phase: BenchView['phase'], done: number, planned: number, current: string | null): string {
  switch (phase) {
    case 'idle':
      return 'Every row is checked against f64 before it is timed. Nothing leaves your machine.';
    case 'opening':
      return 'Opening the device…';
    case 'finished':
      return `${done} rows measured`;
    case 'cancelled':
      return `Cancelled after ${done} rows`;
    default:
      return `${done} of ${planned} rows${current === null ? '' : `, now ${current}`}`;
  }
}
