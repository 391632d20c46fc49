import { unknownName } from '@modajs/tensor';
import { constant, cosine, linearDecay, type Schedule, warmup } from './schedule.ts';

/** A run's settings of its schedule. */
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
 * The schedule that settings name: a warm-up, then `cosine`, `linearDecay`, `constant`, or (`wsd`) `constant` and then `linearDecay`.
 * The last step of the run reaches `finalLrRatio` exactly; steps past the end stay there. A warm-up as long as the run never decays.
 *
 * @throws ConfigError for an unknown kind
 */
export function createSchedule({ kind, steps, warmupSteps, finalLrRatio, decayShare }: ScheduleOptions): Schedule {
  const start = warmup(warmupSteps);
  const left = Math.max(0, steps - warmupSteps);
  const end = { final: finalLrRatio };
  switch (kind) {
    case 'cosine':
      return start.then(cosine(left, end));
    case 'linear':
      return start.then(linearDecay(left, end));
    case 'wsd': {
      const stays = Math.min(left, Math.max(0, Math.round(steps * (1 - decayShare)) - warmupSteps));
      return start.then(constant(stays)).then(linearDecay(left - stays, end));
    }
    case 'constant':
      return start.then(constant());
    default:
      return unknownName('schedule.kind', kind);
  }
}
