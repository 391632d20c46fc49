import type { EvaluationResults } from '@modajs/eval';
import { chanceOf } from './chance-levels.ts';
import type { EvaluationFile } from './evaluation-file.ts';
import { PAPER_TASKS, type PaperTable } from './paper-tables.ts';
import type { Score, ScoreColumn, ScoreRow, ScoreTable } from './scores.ts';

type TasksFile = Extract<EvaluationFile, { kind: 'tasks' }>;

/** Metrics that are not shares of documents, and so are not shown in per cent. */
const PLAIN_METRICS = new Set(['perplexity', 'bits_per_byte', 'word_perplexity', 'byte_perplexity']);
/** Metrics for which guessing gives a task's chance level. */
const SHARES_OF_RIGHT = new Set(['acc', 'acc_norm', 'acc_char', 'acc_bytes']);
const AVERAGE = 'moda_paper';

/** What the task table shows. */
export interface TaskTableOptions {
  readonly papers: readonly PaperTable[];
  /** `primary`: the metric each task names itself; else one metric for all, blank where a task lacks it. */
  readonly metric: string;
  /** Whether members of a group in the file (MMLU's 57 subjects) have rows of their own. */
  readonly showMembers: boolean;
}

/** Metrics that any task of the files has, `primary` first. */
export function metricsOf(files: readonly TasksFile[]): string[] {
  const names = files.flatMap(({ results }) =>
    Object.values(results.results).flatMap((row) =>
      Object.keys(row).flatMap((key) => (/^(?!.*_stderr,)(.+),none$/.exec(key) ?? []).slice(1)),
    ),
  );
  return [...new Set(['primary', ...names])];
}

/** A task's own row: a file may name a task `toString`, which every object has. */
export function rowOf({ results }: EvaluationResults, task: string): EvaluationResults['results'][string] | undefined {
  return Object.hasOwn(results, task) ? results[task] : undefined;
}

/** The metric of a task that stands for it: what the file names, else what the harness's own boards take. */
export function primaryMetric(results: EvaluationResults, task: string): string | null {
  const row = rowOf(results, task) ?? {};
  return (
    ['primary', 'acc_norm', 'acc', ...Object.keys(row).map((key) => key.replace(/,none$/, ''))].find(
      (metric) => typeof row[`${metric},none`] === 'number' && !metric.endsWith('_stderr'),
    ) ?? null
  );
}

/** Tasks by models: the files' columns first, then the paper's. Values in per cent but for perplexities. */
export function taskTable(files: readonly TasksFile[], options: TaskTableOptions): ScoreTable {
  const members = new Set(files.flatMap(({ results }) => membersOf(results)));
  const named = Object.keys(PAPER_TASKS);
  const found = files.flatMap(({ results }) => Object.keys(results.results));
  const tasks = [...new Set([...named, ...found])].filter(
    (task) => named.includes(task) || options.showMembers || !members.has(task),
  );
  const papers = options.metric === 'primary' ? options.papers.flatMap((table) => paperColumns(table)) : [];
  const columns = [...files.map(fileColumn), ...papers.map(({ column }) => column)];
  const rows = tasks.map((task): ScoreRow => {
    const scores: Record<string, Score> = {};
    for (const file of files) {
      const score = fileScore(file.results, task, options.metric);
      if (score) scores[file.id] = score;
    }
    for (const { column, accuracy } of papers) {
      if (Object.hasOwn(accuracy, task)) scores[column.id] = { value: accuracy[task], standardError: null };
    }
    const metric = metricOf(files, task, options.metric);
    return {
      id: task,
      label: named.includes(task) ? PAPER_TASKS[task] : task,
      digits: 2,
      higherIsBetter: !PLAIN_METRICS.has(metric),
      isAverage: task === AVERAGE,
      chance: SHARES_OF_RIGHT.has(metric) || metric === 'primary' ? chanceOf(task) : null,
      scores,
    };
  });
  return { columns, rows: rows.filter(({ scores }) => Object.keys(scores).length > 0) };
}

function fileColumn({ id, name, place, results }: TasksFile): ScoreColumn {
  const shots = [...new Set(Object.values(results['n-shot'] ?? {}))];
  const examples = shots.length === 1 ? `${shots[0]} examples` : 'each task’s own examples';
  // Files of the harness itself say neither.
  const isComplete = results.complete !== false && results.incomplete.length === 0;
  return {
    id,
    label: name,
    detail: `${place}: ${isComplete ? examples : 'not a complete run'}`,
    source: 'file',
    isComplete,
  };
}

function paperColumns(table: PaperTable) {
  return table.models.flatMap(({ label, detail, accuracy }) =>
    accuracy
      ? [
          {
            accuracy,
            column: {
              id: `${table.id}:${label}`,
              label,
              detail: `paper, ${detail}`,
              source: 'paper' as const,
              isComplete: true,
            },
          },
        ]
      : [],
  );
}

/** Members of the groups a file reports, but for the ten tasks, which are the table's own rows. */
function membersOf({ group_subtasks: groups }: EvaluationResults): string[] {
  return Object.entries(groups)
    .filter(([group]) => group !== AVERAGE)
    .flatMap(([, tasks]) => tasks);
}

function metricOf(files: readonly TasksFile[], task: string, metric: string): string {
  const file = files.find(({ results }) => rowOf(results, task) !== undefined);
  if (!file || metric !== 'primary') return metric;
  const configured = file.results.configs?.[task]?.metadata as Readonly<Record<string, unknown>> | undefined;
  const primary = primaryMetric(file.results, task) ?? metric;
  return primary === 'primary' ? String(configured?.primary_metric ?? primary) : primary;
}

function fileScore(results: EvaluationResults, task: string, metric: string): Score | null {
  const row = rowOf(results, task);
  const key = metric === 'primary' && row ? primaryMetric(results, task) : metric;
  if (!row) return task === AVERAGE && metric === 'primary' ? averageOfTen(results) : null;
  const value = row[`${key},none`];
  if (typeof value !== 'number' || !Number.isFinite(value)) return null;
  const error = row[`${key}_stderr,none`];
  const scale = PLAIN_METRICS.has(metricOf([{ results } as TasksFile], task, metric)) ? 1 : 100;
  const standardError = typeof error === 'number' && Number.isFinite(error) ? error * scale : null;
  return { value: value * scale, standardError };
}

/** Files of the harness have no average over the paper's tasks; with all ten there is one. */
function averageOfTen(results: EvaluationResults): Score | null {
  const tasks = Object.keys(PAPER_TASKS).filter((task) => task !== AVERAGE);
  const scores = tasks.map((task) => fileScore(results, task, 'primary'));
  if (scores.some((score) => score === null)) return null;
  const known = scores as Score[];
  const hasErrors = known.every(({ standardError }) => standardError !== null);
  return {
    value: known.reduce((sum, { value }) => sum + value, 0) / known.length,
    standardError: hasErrors ? Math.hypot(...known.map((score) => score.standardError!)) / known.length : null,
  };
}
