import { useRef } from 'preact/hooks';
import type { BenchSettings } from '../../kernels/bench-messages.ts';
import { isBusy } from '../../kernels/bench-view.ts';
import type { TuneSettings } from '../../kernels/tune-messages.ts';
import { cancelTuning, forgetTuning, startTuning } from '../../kernels/tune-store.ts';
import { tuneSummary } from '../../kernels/tune-summary.ts';
import type { TuneView } from '../../kernels/tune-view.ts';
import { type AdapterTuning, keptText, tunedObstacle, tuneObstacle } from '../../kernels/tuned-choice.ts';

interface TunePanelProps {
  readonly view: TuneView;
  readonly adapter: AdapterTuning;
  /** Whose kernels are tuned. */
  readonly settings: TuneSettings;
  /** What benchmarks run on. */
  readonly device: BenchSettings['device'];
  /** A benchmark runs: two measurements at once disturb each other. */
  readonly isMeasuring: boolean;
  readonly isTuned: boolean;
  readonly onToggle: () => void;
}

/** Finds the fastest kernels for this adapter, lets benchmarks use them, and forgets them. */
export function TunePanel({ view, adapter, settings, device, isMeasuring, isTuned, onToggle }: TunePanelProps) {
  const tuneButton = useRef<HTMLButtonElement>(null);
  const isTuning = isBusy(view);
  const obstacle = tunedObstacle(adapter, device);
  const hasKept = adapter.kind === 'adapter' && (adapter.table !== null || adapter.error !== null);
  const forget = (): void => {
    tuneButton.current?.focus();
    void forgetTuning();
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for what is sent together; these act at once
    <div class="bench-tuning" role="group" aria-label="Tuned kernels" data-tuning={view.phase}>
      <div class="row">
        <button
          type="button"
          aria-pressed={isTuned}
          disabled={obstacle !== null || isTuning || isMeasuring}
          aria-describedby="bench-tuning-state"
          onClick={onToggle}
        >
          Tuned kernels
        </button>
        <button
          ref={tuneButton}
          type="button"
          disabled={isMeasuring || tuneObstacle(adapter) !== null || view.phase === 'cancelling'}
          aria-describedby="bench-tuning-state"
          onClick={() => (isTuning ? cancelTuning() : startTuning(settings))}
        >
          {tuneLabel(view)}
        </button>
        {hasKept && (
          <button type="button" class="quiet" disabled={isTuning || isMeasuring} onClick={forget}>
            Forget
          </button>
        )}
      </div>
      {isTuning && <progress aria-label="Candidates measured" max={Math.max(1, view.candidates)} value={view.done} />}
      {view.error !== null && (
        <div class="failure" role="alert">
          <strong>{view.phase === 'lost' ? 'The device went away.' : 'Tuning stopped.'}</strong> {view.error}
        </div>
      )}
      <p id="bench-tuning-state" class="note" role="status">
        {[statusText(view), isTuning ? null : keptText(adapter), isTuning ? null : obstacle].filter(Boolean).join(' ')}
      </p>
    </div>
  );
}

function tuneLabel({ phase }: TuneView): string {
  if (phase === 'cancelling') return 'Cancelling…';
  return phase === 'opening' || phase === 'measuring' ? 'Cancel tuning' : 'Tune';
}

function statusText({ phase, done, candidates, current, outcomes, device }: TuneView): string | null {
  switch (phase) {
    case 'idle':
      return null;
    case 'opening':
      return 'Opening the device…';
    case 'finished':
      if (candidates === 0) return 'These kernels have one configuration on this adapter: there is nothing to tune.';
      return `${tuneSummary(outcomes)} Measured on ${device}.`;
    case 'cancelled':
      return `Cancelled. ${tuneSummary(outcomes)}`;
    case 'lost':
    case 'failed':
      return outcomes.length > 0 ? `What was found stays. ${tuneSummary(outcomes)}` : null;
    default:
      return `${done} of ${candidates} candidates${current === null ? '' : `, now ${current}`} on ${device}`;
  }
}
