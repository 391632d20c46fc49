import { mergeConfigs, parseSetOption, type RawConfig, type StudyRun, type VariedValue } from '@modajs/train';
import type { Grid, Phase, Study, Variant } from './study-file.ts';

/** A grid grows by at most so many values: a loss that falls for ever is shown, not chased. */
const MAX_EXTENSIONS = 4;

/** One run to do. */
export interface PlannedRun {
  readonly key: string;
  readonly phase: string;
  readonly variant: string;
  readonly values: Readonly<Record<string, VariedValue>>;
  readonly seed: number;
  /** Settings on top of the preset. */
  readonly settings: RawConfig;
}

/** Where a study stands. */
export interface StudyAgenda {
  /** Runs that can start, in order of priority; those that have ended are left out. */
  readonly ready: readonly PlannedRun[];
  /** Further runs that wait for the best value of a phase in progress: one entry for each, with its settings but that value. */
  readonly waiting: readonly PlannedRun[];
}

type Ended = ReadonlyMap<string, Pick<StudyRun, 'key' | 'status' | 'heldOut'>>;

/** The values of one phase for one variant: those of the file, and those it grew by. */
interface PhaseState {
  readonly runs: readonly PlannedRun[];
  /** Whether all have ended and the grid need not grow. */
  readonly isComplete: boolean;
  /** Values of the grid point with the lowest mean loss; null before the phase is complete, or when every run diverged. */
  readonly best: Readonly<Record<string, VariedValue>> | null;
}

/**
 * What is left to do, from what has ended. Groups come in the order of the file; within one, phase by phase or variant by
 * variant, seeds innermost, so that a study that is stopped has whole cells.
 */
export function planRuns(study: Study, ended: Ended): StudyAgenda {
  const ready: PlannedRun[] = [];
  const waiting: PlannedRun[] = [];
  for (const [variant, phase] of inOrder(study)) {
    const fixed = bestValues(study, variant, phase, ended);
    if (fixed === 'never') continue;
    const runs = phaseState(variant, phase, fixed ?? {}, ended).runs.filter(({ key }) => !ended.has(key));
    (fixed === null ? waiting : ready).push(...runs);
  }
  return { ready, waiting };
}

function inOrder({ variants, phases }: Study): [Variant, Phase][] {
  const groups = [...new Set(variants.map(({ group }) => group))];
  return groups.flatMap((group) => {
    const own = variants.filter((variant) => variant.group === group);
    return own[0].isDepthFirst
      ? own.flatMap((variant) => phases.map((phase): [Variant, Phase] => [variant, phase]))
      : phases.flatMap((phase) => own.map((variant): [Variant, Phase] => [variant, phase]));
  });
}

/** Values that earlier phases decide; null while they have not, `never` when no run of theirs finished. */
function bestValues(
  study: Study,
  variant: Variant,
  phase: Phase,
  ended: Ended,
): Readonly<Record<string, VariedValue>> | null | 'never' {
  const values: Record<string, VariedValue> = {};
  for (const [key, earlier] of Object.entries(phase.best)) {
    const before = study.phases.find(({ name }) => name === earlier)!;
    const fixed = bestValues(study, variant, before, ended);
    if (fixed === null || fixed === 'never') return fixed;
    const { isComplete, best } = phaseState(variant, before, fixed, ended);
    if (!isComplete) return null;
    if (best === null) return 'never';
    values[key] = best[key];
  }
  return values;
}

function phaseState(
  variant: Variant,
  phase: Phase,
  fixed: Readonly<Record<string, VariedValue>>,
  ended: Ended,
): PhaseState {
  const grid: Record<string, readonly VariedValue[]> = { ...phase.vary, ...pick(variant.vary, phase.vary) };
  for (const key of Object.keys(fixed)) delete grid[key];
  for (;;) {
    const runs = runsOf(variant, phase, fixed, grid);
    if (!runs.every(({ key }) => ended.has(key))) return { runs, isComplete: false, best: null };
    const best = bestPoint(runs, ended);
    const next = phase.extend === null ? null : beyond(phase.extend, grid, best);
    if (next === null || grownBy(variant, phase, grid) === MAX_EXTENSIONS) {
      return { runs, isComplete: true, best };
    }
    grid[phase.extend!.key] = [...grid[phase.extend!.key], next];
  }
}

function grownBy(variant: Variant, phase: Phase, grid: Grid): number {
  const { key } = phase.extend!;
  return grid[key].length - (variant.vary[key] ?? phase.vary[key]).length;
}

/** The value beyond the edge at which the best lies; below all when none finished; null when the best is inside. */
function beyond(
  { key, factor }: NonNullable<Phase['extend']>,
  grid: Grid,
  best: Readonly<Record<string, VariedValue>> | null,
): number | null {
  const values = grid[key].map(Number);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (best === null || best[key] === low) return rounded(low / factor);
  return best[key] === high ? rounded(high * factor) : null;
}

/** Twelve digits: 0.002 * 2 * 2 is 0.008. */
function rounded(value: number): number {
  return Number(value.toPrecision(12));
}

function bestPoint(runs: readonly PlannedRun[], ended: Ended): Readonly<Record<string, VariedValue>> | null {
  const points = new Map<string, { values: PlannedRun['values']; losses: number[] }>();
  for (const run of runs) {
    const id = JSON.stringify(run.values);
    const point = points.get(id) ?? { values: run.values, losses: [] };
    const { status, heldOut } = ended.get(run.key)!;
    point.losses.push(status === 'finished' ? (heldOut?.loss ?? Infinity) : Infinity);
    points.set(id, point);
  }
  const means = [...points.values()].map(({ values, losses }) => ({
    values,
    loss: losses.reduce((sum, loss) => sum + loss, 0) / losses.length,
  }));
  const best = means.reduce((a, b) => (b.loss < a.loss ? b : a));
  return Number.isFinite(best.loss) ? best.values : null;
}

function runsOf(
  variant: Variant,
  phase: Phase,
  fixed: Readonly<Record<string, VariedValue>>,
  grid: Grid,
): PlannedRun[] {
  const { seed: seeds = [1], ...others } = grid;
  return combinations(others).flatMap((point) =>
    seeds.map((seed) => {
      const values = { ...fixed, ...point };
      const given = Object.entries({ ...values, seed }).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
      return {
        key: [
          phase.name,
          variant.id.replaceAll('/', '.'),
          given.join(',').replaceAll('"', '').replaceAll('/', '.'),
        ].join('/'),
        phase: phase.name,
        variant: variant.id,
        values,
        seed: Number(seed),
        settings: mergeConfigs(variant.settings, phase.settings, ...given.map((option) => parseSetOption(option))),
      };
    }),
  );
}

function combinations(grid: Grid): Record<string, VariedValue>[] {
  return Object.entries(grid).reduce<Record<string, VariedValue>[]>(
    (points, [key, values]) => points.flatMap((point) => values.map((value) => ({ ...point, [key]: value }))),
    [{}],
  );
}

function pick(from: Grid, keys: Grid): Grid {
  return Object.fromEntries(Object.entries(from).filter(([key]) => key in keys));
}
