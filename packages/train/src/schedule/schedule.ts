import { ConfigError, shown } from '@modajs/tensor';
import { checkOptions, numberThat, type OptionChecks, wholeNumber } from '@modajs/tensor/checks';

/**
 * Learning rate over its peak, by the step of a run, counted from 0: what `optimizer.step({ lrRatio })` takes. A pure function of the
 * step, so that a resumed loop continues as if it had not stopped.
 */
export interface Schedule {
  (step: number): number;
  /** Steps until the next schedule begins; Infinity when it never ends. */
  readonly steps: number;
  /**
   * This schedule, and after its `steps` the next, which counts its own from 0.
   *
   * @throws ConfigError for what is no schedule, or after one that never ends
   */
  then(next: Schedule): Schedule;
}

/** Options of schedules that decay. */
export interface DecayOptions {
  /** Where the decay ends, over the peak; 0 by default. */
  readonly final?: number;
}

const share = (operation: string, name: string, value: unknown): void =>
  numberThat(operation, name, value, 'a number in 0..1', (x) => x >= 0 && x <= 1);
const DECAY_OPTIONS: OptionChecks<DecayOptions> = { final: share };

function scheduleOf(steps: number, ratio: (step: number) => number): Schedule {
  const at = (step: number): number => {
    wholeNumber('schedule', 'step', step);
    return ratio(step);
  };
  // biome-ignore lint/suspicious/noThenProperty: schedules read as sentences; what takes one for a promise is told so
  return Object.assign(at, { steps, then: (next: Schedule) => joined(at as Schedule, next) });
}

function joined(first: Schedule, next: Schedule): Schedule {
  if (typeof next !== 'function' || !('steps' in next)) {
    throw new ConfigError(
      `schedule.then: next must be a schedule, got ${shown(next)}. A schedule is no promise: do not await it or return it from an async function; wrap it in an object.`,
    );
  }
  const { steps } = first;
  if (steps === Infinity) {
    throw new ConfigError('schedule.then: the schedule before it must end, got one that never does. Give it steps.');
  }
  return scheduleOf(steps + next.steps, (step) => (step < steps ? first(step) : next(step - steps)));
}

/** From 1 at the first of `steps` to `final` at the last, and there from then on; `shape` is what is left at share u of the way. */
function decay(operation: string, steps: number, options: DecayOptions, shape: (u: number) => number): Schedule {
  wholeNumber(operation, 'steps', steps);
  checkOptions(operation, options, DECAY_OPTIONS);
  const { final = 0 } = options;
  return scheduleOf(steps, (step) => {
    const u = steps <= 1 ? 1 : Math.min(1, step / (steps - 1));
    return final + (1 - final) * shape(u);
  });
}

/**
 * Rises linearly, `(step + 1) / steps`, and stays at 1.
 *
 * @throws ConfigError unless `steps` is a whole number
 */
export function warmup(steps: number): Schedule {
  wholeNumber('warmup', 'steps', steps);
  return scheduleOf(steps, (step) => (step < steps ? (step + 1) / steps : 1));
}

/**
 * Half a cosine: `final + (1 - final) (1 + cos(pi u)) / 2` with `u` from 0 at the first step to 1 at the last; stays there. A schedule of
 * one step is at its end.
 *
 * @throws ConfigError unless `steps` is a whole number and `final` in 0..1
 */
export function cosine(steps: number, options: DecayOptions = {}): Schedule {
  return decay('cosine', steps, options, (u) => (1 + Math.cos(Math.PI * u)) / 2);
}

/** A line: `final + (1 - final) (1 - u)`, with `u` as in `cosine`. @throws ConfigError unless `steps` is a whole number and `final` in 0..1 */
export function linearDecay(steps: number, options: DecayOptions = {}): Schedule {
  return decay('linearDecay', steps, options, (u) => 1 - u);
}

/** 1 for so many steps, or for ever. @throws ConfigError unless `steps` is a whole number or Infinity */
export function constant(steps = Infinity): Schedule {
  if (steps !== Infinity) wholeNumber('constant', 'steps', steps);
  return scheduleOf(steps, () => 1);
}
