import { comparePerplexity, compareResults, type EvaluationResults } from '@modajs/eval';
import type { EvaluationFile } from './evaluation-file.ts';
import { domainRow } from './perplexity-scores.ts';
import type { CellDifference } from './scores.ts';
import { primaryMetric, rowOf } from './task-scores.ts';

type Certainty = NonNullable<CellDifference['certainty']>;

/** How sure one file's differences to another are, and what makes the two hard to compare. */
export interface FileComparison {
  /** By row id; task rows as shares (0..1), domain rows in perplexity. */
  readonly byRow: Readonly<Record<string, Certainty & { readonly difference: number }>>;
  readonly warnings: readonly string[];
}

/**
 * Compares a file with the baseline. Files with nothing in common have no differences.
 *
 * @param metric as `taskTable` takes it
 */
export function compareFiles(baseline: EvaluationFile, other: EvaluationFile, metric: string): FileComparison {
  if (baseline.kind === 'tasks' && other.kind === 'tasks') return compareTasks(baseline.results, other.results, metric);
  if (baseline.kind === 'perplexity' && other.kind === 'perplexity')
    return compareDomains(baseline.report, other.report);
  return { byRow: {}, warnings: [] };
}

function compareDomains(...[a, b]: Parameters<typeof comparePerplexity>): FileComparison {
  if (!a.domains.some(({ domain }) => b.domains.some((other) => other.domain === domain)))
    return { byRow: {}, warnings: [] };
  const { differences, warnings } = comparePerplexity(a, b);
  const known = differences.filter(({ standardError }) => Number.isFinite(standardError));
  return { byRow: Object.fromEntries(known.map((item) => [domainRow(item.domain), item])), warnings };
}

function compareTasks(a: EvaluationResults, b: EvaluationResults, metric: string): FileComparison {
  const tasks = Object.keys(a.results).filter((task) => {
    const key = metric === 'primary' ? primaryMetric(a, task) : metric;
    const row = rowOf(b, task);
    const otherKey = metric === 'primary' && row ? primaryMetric(b, task) : metric;
    return (
      row && key === otherKey && Object.hasOwn(a.results[task], `${key},none`) && Object.hasOwn(row, `${key},none`)
    );
  });
  if (tasks.length === 0) return { byRow: {}, warnings: [] };
  const { differences, warnings } = compareResults(keepMetric(a, tasks, metric), keepMetric(b, tasks, metric));
  const known = differences.filter(({ standardError }) => Number.isFinite(standardError));
  return { byRow: Object.fromEntries(known.map((item) => [item.task, item])), warnings };
}

/** The bootstrap costs time for every metric: only the one that is shown is compared. */
function keepMetric(file: EvaluationResults, tasks: readonly string[], metric: string): EvaluationResults {
  const rows = tasks.map((task) => {
    const key = metric === 'primary' ? primaryMetric(file, task) : metric;
    const kept = Object.entries(file.results[task]).filter(
      ([name]) => name === `${key},none` || name === `${key}_stderr,none`,
    );
    return [task, Object.fromEntries(kept)] as const;
  });
  return { ...file, results: Object.fromEntries(rows) };
}
