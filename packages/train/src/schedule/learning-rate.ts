import { unknownName } from '@modajs/tensor';

/** What a schedule needs to know. Steps count from 0. */
export interface ScheduleOptions {
  readonly kind: 'cosine' | 'linear' | 'wsd' | 'constant';
  /** Optimiser steps of the whole run. */
  readonly steps: number;
  readonly warmupSteps: number;
  /** Learning rate at the last step over the peak; `constant` ignores it. */
  readonly finalLrRatio: number;
  /** `wsd` only: share of all steps spent in the linear decay at the end. */
  readonly decayShare: number;
}

/**
 * Learning rate over its peak at a step, in 0..1.
 * Warm-up is linear, `(step + 1) / warmupSteps`; then with `f` the final ratio and `u` in 0..1 the share of the decay done:
 * cosine `f + (1 - f) (1 + cos(pi u)) / 2`, linear and wsd `1 - (1 - f) u`, constant 1.
 * The last step reaches `f` exactly; steps past the end stay there. A warm-up as long as the run never decays.
 *
 * @throws ConfigError for an unknown kind
 */
export function learningRateRatio(step: number, options: ScheduleOptions): number {
  const { kind, steps, warmupSteps, finalLrRatio, decayShare } = options;
  const decay = decayOf(kind);
  if (step < warmupSteps) return (step + 1) / warmupSteps;
  if (decay === null) return 1;
  const last = steps - 1;
  const decayStart = decay.isLate ? Math.max(warmupSteps, Math.round(steps * (1 - decayShare))) : warmupSteps;
  if (step < decayStart) return 1;
  const u = last <= decayStart ? 1 : Math.min(1, (step - decayStart) / (last - decayStart));
  return finalLrRatio + (1 - finalLrRatio) * decay.shape(u);
}

/** How a schedule decays: only at the end of the run or from the warm-up on, and what is left at share `u` of the decay. */
interface Decay {
  readonly isLate: boolean;
  readonly shape: (u: number) => number;
}

const cosine = (u: number): number => (1 + Math.cos(Math.PI * u)) / 2;
const line = (u: number): number => 1 - u;

/** Null for a schedule that never decays. @throws ConfigError for an unknown kind */
function decayOf(kind: ScheduleOptions['kind']): Decay | null {
  switch (kind) {
    case 'cosine':
      return { isLate: false, shape: cosine };
    case 'linear':
      return { isLate: false, shape: line };
    case 'wsd':
      return { isLate: true, shape: line };
    case 'constant':
      return null;
    default:
      return unknownName('schedule.kind', kind);
  }
}
