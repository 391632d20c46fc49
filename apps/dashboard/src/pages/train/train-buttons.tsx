import { askTraining, stopTraining } from '../../training/training-store.ts';
import type { TrainingView } from '../../training/training-view.ts';

interface TrainButtonsProps {
  readonly phase: TrainingView['phase'];
  readonly canStart: boolean;
}

/** Start (the form's own button), pause or go on, stop. */
export function TrainButtons({ phase, canStart }: TrainButtonsProps) {
  const isBusy = phase === 'preparing' || phase === 'training' || phase === 'pausing';
  return (
    <div class="row buttons">
      <button type="submit" class="primary" disabled={isBusy || !canStart}>
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
  );
}
