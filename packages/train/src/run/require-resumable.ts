import { CheckpointError } from '@modajs/tensor';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { type RunIdentity, requireSameIdentity } from '../checkpoint/run-identity.ts';
import type { RunConfig } from '../config/run-config.ts';
import { createSchedule, type ScheduleOptions } from '../schedule/create-schedule.ts';
import { completeIdentity } from './run-identity-of.ts';

/** What a run is about to do with a checkpoint. */
export interface ResumePlan {
  readonly config: RunConfig;
  readonly identity: RunIdentity;
  /** Go on although the learning rate jumps. */
  readonly acceptsSchedule?: boolean;
}

/**
 * Makes sure that a run may go on from a checkpoint.
 *
 * @returns a sentence about a schedule that is not the checkpoint's; null when nothing changes
 * @throws CheckpointError naming the setting that differs; for a schedule that changes the learning rate of the next step,
 *   with the rate before and after, unless `acceptsSchedule`
 */
export function requireResumable(
  { state, identity, writtenBy }: Pick<Checkpoint, 'state' | 'identity' | 'writtenBy'>,
  { config, identity: current, acceptsSchedule = false }: ResumePlan,
): string | null {
  const saved = completeIdentity(identity, current);
  requireSameIdentity(apartFromSchedule(saved), apartFromSchedule(current), writtenBy);
  const { steps } = config.training;
  const change = changedSchedule(saved, state.plannedSteps ?? steps, config);
  if (change === null || state.step >= steps) return null;
  const rates = [change.before, change.after].map(
    (options) => config.optimizer.lr * createSchedule(options)(state.step),
  );
  const [from, to] = rates.map((rate) => rate.toExponential(2));
  const what =
    `the schedule is ${describe(change.after)}, the checkpoint's ${describe(change.before)}: ` +
    `the learning rate of step ${state.step + 1} is ${to}, it would have been ${from}`;
  const jumps = Math.abs(rates[1] - rates[0]) > 1e-9 * Math.max(...rates);
  if (!acceptsSchedule && (jumps || change.isAnother)) {
    throw new CheckpointError(
      `checkpoint: ${what}. Resume with ${settings(change.before)}, or accept the new schedule (--new-schedule).`,
      { before: rates[0], after: rates[1], step: state.step + 1 },
    );
  }
  return `${what}.`;
}

function apartFromSchedule(identity: RunIdentity): RunIdentity {
  return Object.fromEntries(Object.entries(identity).filter(([key]) => !key.startsWith('schedule.')));
}

interface ChangedSchedule {
  readonly before: ScheduleOptions;
  readonly after: ScheduleOptions;
  /** More than the number of steps differs. */
  readonly isAnother: boolean;
}

/** Null where nothing changed, and for identities that say nothing about a schedule. */
function changedSchedule(
  saved: RunIdentity,
  plannedSteps: number,
  { schedule, training: { steps } }: RunConfig,
): ChangedSchedule | null {
  const settingsBefore = Object.fromEntries(
    Object.entries(schedule).map(([key, value]) => [key, saved[`schedule.${key}`] ?? value]),
  ) as typeof schedule;
  const isAnother = Object.entries(schedule).some(
    ([key, value]) => settingsBefore[key as keyof typeof schedule] !== value,
  );
  if (!isAnother && plannedSteps === steps) return null;
  return { before: { ...settingsBefore, steps: plannedSteps }, after: { ...schedule, steps }, isAnother };
}

function describe({ kind, steps, warmupSteps, finalLrRatio }: ScheduleOptions): string {
  return `${kind} over ${steps} steps (warm-up ${warmupSteps}, end ${finalLrRatio})`;
}

function settings({ steps, ...schedule }: ScheduleOptions): string {
  const keys = Object.entries(schedule).map(([key, value]) => `schedule.${key}=${value}`);
  return [`training.steps=${steps}`, ...keys].join(' ');
}
