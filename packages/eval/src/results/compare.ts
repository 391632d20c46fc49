import { shown } from '@modajs/tensor';
import { DataError } from '../errors/errors.ts';
import { type DifferenceStatistics, pairedDifference, unpairedDifference } from '../metrics/difference.ts';
import { HIGHER_IS_BETTER, type MetricName } from '../tasks/task.ts';
import type { EvaluationResults } from './results.ts';

/** A number of two runs, and its difference `b - a`. */
export interface RunDifference extends DifferenceStatistics {
  readonly a: number;
  readonly b: number;
  readonly difference: number;
  readonly significant: boolean;
  /** Whether both runs asked the same of the same documents, cut into the same tokens, so that documents could be paired. */
  readonly paired: boolean;
}

/** What two runs have in common, and what makes them hard to compare. */
export interface RunComparison<Difference extends RunDifference> {
  readonly differences: readonly Difference[];
  readonly warnings: readonly string[];
}

/** Difference of one metric of one task. */
export interface MetricDifference extends RunDifference {
  readonly task: string;
  readonly metric: string;
  readonly higherIsBetter: boolean;
}

/** The comparison of two results files. */
export type ResultsComparison = RunComparison<MetricDifference>;

/** Below this p-value a difference is called significant. */
export const SIGNIFICANCE = 0.05;

/**
 * Compares two results files metric by metric. With the same requests (equal `task_hashes`) documents are paired: the
 * same resamples of documents give the distribution of the mean difference. Otherwise the two standard errors are
 * added, as for any two results of lm-evaluation-harness.
 *
 * Reference: Efron and Tibshirani, An Introduction to the Bootstrap, ch. 16; Berg-Kirkpatrick et al. 2012.
 *
 * @throws DataError when the files have no task in common or are not results files.
 */
export function compareResults(a: EvaluationResults, b: EvaluationResults): ResultsComparison {
  requireResults(a, 'a');
  requireResults(b, 'b');
  const tasks = Object.keys(a.results).filter((task) => Object.hasOwn(b.results, task));
  if (tasks.length === 0) {
    throw new DataError(
      `compare: the files must have a task in common, got ${shown(Object.keys(a.results))} and ${shown(Object.keys(b.results))}.`,
      { field: 'results' },
    );
  }
  return { differences: tasks.flatMap((task) => compareTask(a, b, task)), warnings: warningsOf(a, b, tasks) };
}

/** Parts of a results file that are mappings by task where they are there, and what they hold for a task. */
const MAPPINGS: Readonly<Record<string, (ofTask: unknown) => boolean>> = {
  results: isMappingOf(isScalar),
  configs: isMapping,
  document_metrics: isMappingOf((column) => Array.isArray(column) && column.every(isNumberOrNull)),
  'n-samples': isMappingOf(isScalar),
  task_hashes: isScalar,
  versions: isScalar,
  'n-shot': isScalar,
};

/** @throws DataError for a file that does not have the parts that are compared, in their form */
function requireResults(file: unknown, name: string): void {
  const refuse = (what: string): void => {
    throw new DataError(`compare: ${name} must be a results file ${what}. Was it written by moda eval?`, {
      field: name,
    });
  };
  const parts = isMapping(file) ? file : {};
  if (!isMapping(parts['results'])) refuse('with "results", got none');
  for (const [part, holds] of Object.entries(MAPPINGS)) {
    const value = parts[part];
    if (value !== undefined && !isMappingOf(holds)(value)) refuse(`whose "${part}" is by task, of plain values`);
  }
  if (parts['complete'] !== false) return;
  const { incomplete } = parts;
  const isReason = (reason: unknown) => isMapping(reason) && typeof reason['message'] === 'string';
  if (!Array.isArray(incomplete) || !incomplete.every(isReason)) refuse('that says what is "incomplete"');
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isMappingOf(holds: (value: unknown) => boolean): (value: unknown) => boolean {
  return (value) => isMapping(value) && Object.values(value).every(holds);
}

/** Text, a number, true, false or null: what prints. */
function isScalar(value: unknown): boolean {
  return value === null || typeof value !== 'object';
}

/** JSON has null for NaN. */
function isNumberOrNull(value: unknown): boolean {
  return value === null || typeof value === 'number';
}

function compareTask(a: EvaluationResults, b: EvaluationResults, task: string): MetricDifference[] {
  const metrics = Object.keys(a.results[task])
    .filter((key) => key.endsWith(',none') && !key.includes('_stderr,') && Object.hasOwn(b.results[task], key))
    .map((key) => key.slice(0, -',none'.length));
  return metrics.map((metric) => {
    const [valueA, valueB] = [a, b].map((file) => Number(file.results[task][`${metric},none`]));
    const [columnA, columnB] = [a, b].map(
      (file) => file.document_metrics?.[task]?.[documentMetric(file, task, metric)],
    );
    const sameRequests = a.task_hashes?.[task] !== undefined && a.task_hashes[task] === b.task_hashes?.[task];
    const canPair =
      sameRequests &&
      columnA !== undefined &&
      columnB !== undefined &&
      columnA.length === columnB.length &&
      columnA.length > 1 &&
      ![...columnA, ...columnB].includes(null as never);
    const statistics = canPair
      ? paired(columnA, columnB, isExponential(a, task, metric))
      : unpaired(a, b, task, metric);
    return {
      task,
      metric,
      a: valueA,
      b: valueB,
      difference: valueB - valueA,
      ...statistics,
      significant: statistics.pValue < SIGNIFICANCE,
      paired: canPair,
      higherIsBetter: HIGHER_IS_BETTER[metric as MetricName] ?? true,
    };
  });
}

function documentMetric(file: EvaluationResults, task: string, metric: string): string {
  if (metric !== 'primary') return metric;
  const primary = (file.configs?.[task]?.metadata as Record<string, unknown> | undefined)?.primary_metric;
  return typeof primary === 'string' ? primary : metric;
}

function isExponential(file: EvaluationResults, task: string, metric: string): boolean {
  return documentMetric(file, task, metric) === 'perplexity';
}

function paired(a: readonly number[], b: readonly number[], exponential: boolean): DifferenceStatistics {
  return pairedDifference(a.length, (positions) => {
    let [totalA, totalB] = [0, 0];
    for (const position of positions) {
      totalA += a[position];
      totalB += b[position];
    }
    const [meanA, meanB] = [totalA / a.length, totalB / b.length];
    return exponential ? Math.exp(meanB) - Math.exp(meanA) : meanB - meanA;
  });
}

function unpaired(a: EvaluationResults, b: EvaluationResults, task: string, metric: string): DifferenceStatistics {
  const [errorA, errorB] = [a, b].map((file) => Number(file.results[task][`${metric}_stderr,none`]));
  const difference = Number(b.results[task][`${metric},none`]) - Number(a.results[task][`${metric},none`]);
  return unpairedDifference(difference, errorA, errorB);
}

function warningsOf(a: EvaluationResults, b: EvaluationResults, tasks: readonly string[]): string[] {
  const warnings: string[] = [];
  for (const [name, file] of [
    ['a', a],
    ['b', b],
  ] as const) {
    if (file.complete === false)
      warnings.push(`${name} is not a complete run: ${file.incomplete.map((reason) => reason.message).join(' ')}`);
  }
  for (const task of tasks) {
    const differs = (what: string, x: unknown, y: unknown) => {
      if (x !== undefined && y !== undefined && x !== y) warnings.push(`${task}: ${what} differ: ${x} and ${y}.`);
    };
    differs('versions', a.versions?.[task], b.versions?.[task]);
    differs('numbers of examples', a['n-shot']?.[task], b['n-shot']?.[task]);
    differs('sample counts', a['n-samples']?.[task]?.effective, b['n-samples']?.[task]?.effective);
  }
  return warnings;
}
