import { meanAndError, type PairedDifference, pairedDifference } from './paired-difference.ts';
import type { StudyFile, StudyInputs, StudyRun, VariedValue } from './study-run.ts';

/** Runs that differ in their seed only. */
export interface StudyCell {
  readonly phase: string;
  readonly variant: string;
  readonly values: Readonly<Record<string, VariedValue>>;
  /** By seed. */
  readonly runs: readonly StudyRun[];
  /** Seeds of the phase without a finished run. */
  readonly missingSeeds: readonly number[];
  /** Held-out loss over the finished runs; null without one. */
  readonly loss: { readonly mean: number; readonly standardError: number | null } | null;
}

/** A variant's cell of the last phase beside its baseline's. */
export interface StudyComparison {
  readonly variant: string;
  readonly baseline: string;
  readonly cell: StudyCell;
  /** Held-out loss minus the baseline's, seed by seed; null for the baseline itself and without a common seed. */
  readonly difference: PairedDifference | null;
  /** The same by corpus, of `measures` (bits per byte), by their names. */
  readonly differencesByCorpus: Readonly<Record<string, PairedDifference>>;
  readonly differencesByMeasure: Readonly<Record<string, PairedDifference>>;
  /** Pairs left out because their inputs differ, and how. */
  readonly refused: readonly string[];
}

/** Tables of a study. */
export interface StudySummary {
  readonly cells: readonly StudyCell[];
  readonly comparisons: readonly StudyComparison[];
  /** Runs that diverged or failed. */
  readonly unfinished: readonly StudyRun[];
}

/** Groups runs into cells and compares each variant with its baseline at the value each was best with. */
export function summarizeStudy({ plan, runs }: StudyFile): StudySummary {
  const cells = cellsOf(plan.phases, runs);
  const last = plan.phases.at(-1)?.name;
  const bestOf = (variant: string): StudyCell | undefined =>
    bestCell(cells.filter((cell) => cell.phase === last && cell.variant === variant));
  const comparisons = plan.variants.flatMap(({ variant, baseline }): StudyComparison[] => {
    const cell = bestOf(variant);
    return cell ? [compare(cell, baseline, variant === baseline ? undefined : bestOf(baseline))] : [];
  });
  return { cells, comparisons, unfinished: runs.filter(({ status }) => status !== 'finished') };
}

/** The cell with the lowest mean loss; cells with a run that did not finish come after those without. */
export function bestCell(cells: readonly StudyCell[]): StudyCell | undefined {
  const rank = (cell: StudyCell): [number, number] => [
    cell.runs.some(({ status }) => status !== 'finished') ? 1 : 0,
    cell.loss?.mean ?? Infinity,
  ];
  return [...cells].sort((a, b) => {
    const [[brokenA, lossA], [brokenB, lossB]] = [rank(a), rank(b)];
    return brokenA - brokenB || (lossA === lossB ? 0 : lossA - lossB);
  })[0];
}

function cellsOf(phases: StudyFile['plan']['phases'], runs: readonly StudyRun[]): StudyCell[] {
  const groups = new Map<string, StudyRun[]>();
  for (const run of runs) {
    const id = JSON.stringify([run.phase, run.variant, run.values]);
    groups.set(id, [...(groups.get(id) ?? []), run]);
  }
  return [...groups.values()].map((members) => {
    const { phase, variant, values } = members[0];
    const finished = members.filter(({ heldOut }) => heldOut !== null);
    const seeds = new Set(finished.map(({ seed }) => seed));
    return {
      phase,
      variant,
      values,
      runs: [...members].sort((a, b) => a.seed - b.seed),
      missingSeeds: (phases.find(({ name }) => name === phase)?.seeds ?? []).filter((seed) => !seeds.has(seed)),
      loss: finished.length === 0 ? null : meanAndError(finished.map(({ heldOut }) => heldOut!.loss)),
    };
  });
}

function compare(cell: StudyCell, baseline: string, against: StudyCell | undefined): StudyComparison {
  const refused: string[] = [];
  const pairs: [StudyRun, StudyRun][] = [];
  for (const run of cell.runs) {
    const other = against?.runs.find(({ seed }) => seed === run.seed);
    if (!other?.heldOut || !run.heldOut) continue;
    const why = inputDifference(other.inputs, run.inputs);
    if (why === null) pairs.push([other, run]);
    else refused.push(`seed ${run.seed}: ${why}`);
  }
  const paired = (numberOf: (run: StudyRun) => number | undefined): PairedDifference | null =>
    pairedDifference(
      pairs.flatMap(([other, run]) => {
        const [a, b] = [numberOf(other), numberOf(run)];
        return a === undefined || b === undefined ? [] : [b - a];
      }),
    );
  const byName = (
    names: readonly string[],
    numberOf: (run: StudyRun, name: string) => number | undefined,
  ): Record<string, PairedDifference> =>
    Object.fromEntries(
      names.flatMap((name) => {
        const difference = paired((run) => numberOf(run, name));
        return difference ? [[name, difference]] : [];
      }),
    );
  const first = pairs[0]?.[1];
  return {
    variant: cell.variant,
    baseline,
    cell,
    difference: paired((run) => run.heldOut?.loss),
    differencesByCorpus: byName(
      Object.keys(first?.heldOut?.corpora ?? {}),
      (run, name) => run.heldOut?.corpora[name]?.loss,
    ),
    differencesByMeasure: byName(Object.keys(first?.measures ?? {}), (run, name) => run.measures[name]),
    refused,
  };
}

/** Which input differs between two runs; null when all are the same. */
export function inputDifference(a: StudyInputs | null, b: StudyInputs | null): string | null {
  if (a === null || b === null) return 'inputs unknown';
  const keys = ['tokenizer', 'dataOrder', 'heldOut', 'tokens', 'tokensPerStep'] as const;
  const different = keys.filter((key) => a[key] !== b[key]).map((key) => `${key} ${a[key]} against ${b[key]}`);
  return different.length === 0 ? null : different.join(', ');
}
