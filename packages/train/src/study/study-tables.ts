import type { PairedDifference } from './paired-difference.ts';
import type { StudyFile, StudyRun, VariedValue } from './study-run.ts';
import { bestCell, type StudyComparison, type StudySummary } from './summarize-study.ts';

/** Headings and rows of text: for a terminal, a page, or a document. */
export interface StudyTable {
  readonly headings: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const median = (values: readonly number[]): number | undefined => values.toSorted((a, b) => a - b)[values.length >> 1];
const compact = (value: number | undefined, unit = '', divisor = 1, digits = 1): string =>
  value === undefined ? '-' : `${(value / divisor).toFixed(digits)}${unit}`;

/** `-0.0123 ± 0.0010`. */
export function signed(value: number, error: number | null = null, digits = 4): string {
  const shown = `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}`;
  return error === null ? shown : `${shown} ± ${error.toFixed(digits)}`;
}

/** `optimizer.lr 0.004`; empty without varied settings. */
export function valuesText(values: Readonly<Record<string, VariedValue>>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');
}

function interval(difference: PairedDifference | null): string {
  return difference?.interval ? `${signed(difference.interval[0])} to ${signed(difference.interval[1])}` : '-';
}

/** Final losses and paired differences: what the study is for. Nats per token; errors are standard errors of the mean. */
export function lossTable({ comparisons }: StudySummary): StudyTable {
  const pValue = (value: number | null | undefined): string =>
    value === null || value === undefined ? '-' : value < 0.001 ? '<0.001' : value.toFixed(3);
  return {
    headings: [
      'variant',
      'at',
      'seeds',
      'held-out loss',
      'loss minus baseline',
      '95 % interval',
      'p (paired t)',
      'p (sign flips)',
      'baseline',
    ],
    rows: comparisons.map(({ variant, baseline, cell, difference }) => [
      variant,
      valuesText(cell.values) || '-',
      seedsText(cell.runs),
      cell.loss === null ? '-' : plain(cell.loss.mean, cell.loss.standardError),
      difference ? signed(difference.mean, difference.standardError) : '-',
      interval(difference),
      pValue(difference?.tPValue),
      pValue(difference?.signFlipPValue),
      baseline === variant ? '' : baseline,
    ]),
  };
}

function plain(mean: number, error: number | null): string {
  return error === null ? mean.toFixed(4) : `${mean.toFixed(4)} ± ${error.toFixed(4)}`;
}

function seedsText(runs: readonly StudyRun[]): string {
  const finished = runs.filter(({ heldOut }) => heldOut !== null).length;
  return finished === runs.length ? String(finished) : `${finished} of ${runs.length}`;
}

/** Parameters, FLOPs, speed and memory of each variant. */
export function costTable({ comparisons }: StudySummary): StudyTable {
  return {
    headings: [
      'variant',
      'parameters',
      'forward FLOPs a token',
      'tokens/s',
      'device memory',
      'seconds a run',
      'tokens',
    ],
    rows: comparisons.map(({ variant, cell: { runs } }) => {
      const run = runs[0];
      const of = (value: (one: StudyRun) => number | null | undefined): number | undefined =>
        median(runs.flatMap((one) => value(one) ?? []));
      return [
        variant,
        run.parameters.toLocaleString('en'),
        compact(run.flopsPerToken, 'M', 1e6),
        of((one) => one.tokensPerSecond)?.toLocaleString('en', { maximumFractionDigits: 0 }) ?? '-',
        compact(
          of((one) => one.deviceBytes),
          ' MiB',
          2 ** 20,
          0,
        ),
        compact(of((one) => one.seconds.total)),
        compact(run.inputs?.tokens, 'M', 1e6),
      ];
    }),
  };
}

/** Means by corpus or measure, with the paired difference from the baseline in brackets. */
function meansTable(
  comparisons: readonly StudyComparison[],
  valuesOf: (run: StudyRun) => Readonly<Record<string, number>>,
  differencesOf: (comparison: StudyComparison) => Readonly<Record<string, PairedDifference>>,
): StudyTable {
  const names = [...new Set(comparisons.flatMap(({ cell }) => cell.runs.flatMap((run) => Object.keys(valuesOf(run)))))];
  return {
    headings: ['variant', ...names],
    rows: comparisons.map((comparison) => [
      comparison.variant,
      ...names.map((name) => {
        const values = comparison.cell.runs.flatMap((run) => valuesOf(run)[name] ?? []);
        if (values.length === 0) return '-';
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        const difference = differencesOf(comparison)[name];
        const shown = difference && comparison.variant !== comparison.baseline;
        return shown ? `${mean.toFixed(4)} (${signed(difference.mean, difference.standardError)})` : mean.toFixed(4);
      }),
    ]),
  };
}

/** Held-out loss by corpus. */
export function corpusTable({ comparisons }: StudySummary): StudyTable {
  const losses = (run: StudyRun): Record<string, number> =>
    Object.fromEntries(Object.entries(run.heldOut?.corpora ?? {}).map(([name, { loss }]) => [name, loss]));
  return meansTable(comparisons, losses, ({ differencesByCorpus }) => differencesByCorpus);
}

/** Bits per byte of a kind of measure, `perplexity/` or `task/`; the prefix is left out of the headings. */
export function measureTable({ comparisons }: StudySummary, prefix: string): StudyTable {
  const own = <T>(all: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(
      Object.entries(all).flatMap(([name, value]) =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), value] as const] : [],
      ),
    );
  return meansTable(
    comparisons,
    ({ measures }) => own(measures),
    ({ differencesByMeasure }) => own(differencesByMeasure),
  );
}

/** Held-out loss at every value of a phase. */
export function sweepTable({ cells }: StudySummary, phase: string): StudyTable {
  const own = cells.filter((cell) => cell.phase === phase);
  const columns = [...new Set(own.map(({ values }) => valuesText(values)))];
  const variants = [...new Set(own.map(({ variant }) => variant))];
  return {
    headings: ['variant', ...columns],
    rows: variants.map((variant) => [
      variant,
      ...columns.map((column) => {
        const cell = own.find((one) => one.variant === variant && valuesText(one.values) === column);
        if (!cell) return '';
        return cell.loss === null ? cell.runs[0].status : plain(cell.loss.mean, cell.loss.standardError);
      }),
    ]),
  };
}

/** Runs that did not finish. */
export function unfinishedTable({ unfinished }: StudySummary): StudyTable {
  return {
    headings: ['run', 'how it ended', 'after steps', 'why'],
    rows: unfinished.map(({ key, status, steps, error }) => [key, status, String(steps), error ?? '']),
  };
}

/** What is missing: seeds without a finished run, variants that have not run, pairs that were refused. */
export function missingLines({ plan, runs }: StudyFile, summary: StudySummary): string[] {
  const lines = runs.some(({ status }) => status === 'finished') ? [] : [nothingFinished(runs)];
  const last = plan.phases.at(-1);
  for (const { variant } of plan.variants) {
    lines.push(...edgeLines(plan, summary, variant));
    const comparison = summary.comparisons.find((one) => one.variant === variant);
    if (!comparison) {
      lines.push(`${variant}: no run of phase ${last?.name}.`);
      continue;
    }
    const { missingSeeds } = comparison.cell;
    if (missingSeeds.length > 0) lines.push(`${variant}: missing seeds ${missingSeeds.join(', ')}.`);
    for (const { status, error, seed } of comparison.cell.runs) {
      if (status === 'finished' && error !== null)
        lines.push(`${variant}: seed ${seed} was not measured further: ${error}`);
    }
    for (const refused of comparison.refused) lines.push(`${variant}: not compared with its baseline, ${refused}.`);
  }
  return lines;
}

/** What to do with a study of which there is nothing to compare. */
function nothingFinished(runs: StudyFile['runs']): string {
  const cure = 'run `moda study` with its file and without --report-only: it goes on where the study was';
  if (runs.length === 0) return `No run has ended yet; ${cure}.`;
  const [first] = runs;
  return `None of the ${runs.length} runs that ended has finished (${first?.key}: ${first?.error ?? first?.status}); mend that, then ${cure}, with --retry to run failed ones again.`;
}

/** Phases in which a variant was best at the first or last value of a grid that should have grown beyond it. */
function edgeLines(plan: StudyFile['plan'], { cells }: StudySummary, variant: string): string[] {
  return plan.phases.flatMap(({ name, extend }) => {
    const own = cells.filter((cell) => cell.phase === name && cell.variant === variant);
    const best = bestCell(own);
    if (extend === null || !best) return [];
    const values = own.map((cell) => Number(cell.values[extend]));
    const value = Number(best.values[extend]);
    const isInside = value > Math.min(...values) && value < Math.max(...values);
    return isInside
      ? []
      : [`${variant}: the best ${extend} so far in phase ${name}, ${value}, is at the edge of the grid.`];
  });
}

/** What a variant says it changes besides its model, and how its width was matched. */
export function changeLines({ plan }: StudyFile): string[] {
  return plan.variants.flatMap(({ variant, baseline, differences, matched }) => [
    ...Object.entries(differences).map(
      ([key, [before, own]]) => `${variant}: ${key} is ${own}, ${before} for ${baseline}.`,
    ),
    ...(matched === null
      ? []
      : [
          `${variant}: FFN width ${matched.dFf} matches the parameters of ${matched.variant} to ${signed(matched.remainder, null, 0)}.`,
        ]),
  ]);
}
