import type { DomainPerplexity, PerplexityReport } from '../perplexity/perplexity.ts';
import { IS_CHOSEN, type MetricName } from '../tasks/task.ts';
import type { ResultsComparison } from './compare.ts';
import type { EvaluationResults } from './results.ts';

/** A text table: first column left, the others right, a rule below the header. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
      .join('  ')
      .trimEnd();
  return [line(header), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}

/** A line of the table of results. */
export interface ScoreRow {
  /** Task or group. */
  readonly name: string;
  readonly metric: MetricName | 'primary';
  readonly shots?: number;
  readonly documents?: number;
  readonly value: number;
  readonly standardError: number;
  /** What a guess gets, where the metric counts right choices. */
  readonly chance?: number;
}

/** Each task and metric of a results file, groups at the end. */
export function scoreRows(results: EvaluationResults): ScoreRow[] {
  return Object.entries(results.results).flatMap(([name, row]) => {
    const metrics = Object.keys(row).filter((key) => key.endsWith(',none') && !key.includes('_stderr,'));
    return metrics.map((key): ScoreRow => {
      const metric = key.slice(0, -',none'.length) as ScoreRow['metric'];
      return {
        name,
        metric,
        shots: results['n-shot'][name],
        documents: results['n-samples'][name]?.effective,
        value: Number(row[key]),
        standardError: Number(row[`${metric}_stderr,none`]),
        chance: metric === 'primary' || IS_CHOSEN[metric] ? results.chance?.[name] : undefined,
      };
    });
  });
}

/** The final table of a run: one line a task and metric, groups at the end, then what makes the run incomplete. */
export function formatResults(results: EvaluationResults): string {
  const rows = scoreRows(results).map(({ name, metric, shots, documents, value, standardError, chance }) => [
    name,
    metric,
    shots === undefined ? '' : String(shots),
    documents === undefined ? '' : String(documents),
    value.toFixed(4),
    standardError.toFixed(4),
    chance === undefined ? '' : chance.toFixed(4),
  ]);
  const table = formatTable(['task', 'metric', 'shots', 'documents', 'value', 'stderr', 'chance'], rows);
  if (results.complete) return table;
  return [
    table,
    '',
    'NOT A COMPLETE RUN:',
    ...results.incomplete.map((reason) => `  ${reason.kind}: ${reason.message}`),
  ].join('\n');
}

/** One line a domain, and the average. */
export function formatPerplexity(report: PerplexityReport): string {
  const number = (value: number | null, digits = 4) => (value === null ? '-' : value.toFixed(digits));
  const row = (domain: DomainPerplexity) => [
    domain.domain + (domain.complete ? '' : ' (limited)'),
    String(domain.documents),
    String(domain.tokens),
    number(domain.perplexity),
    number(domain.wordPerplexity),
    number(domain.bitsPerByte),
  ];
  const average = ['average', '', '', number(report.averagePerplexity), '', ''];
  return formatTable(
    ['domain', 'documents', 'tokens', 'perplexity', 'word ppl', 'bits/byte'],
    [...report.domains.map(row), average],
  );
}

/** One line a metric: both values, the difference with its 95 % interval, and a star where it is significant. */
export function formatComparison({ differences, warnings }: ResultsComparison): string {
  const rows = differences.map((item) => [
    item.task,
    item.metric,
    item.a.toFixed(4),
    item.b.toFixed(4),
    (item.difference >= 0 ? '+' : '') + item.difference.toFixed(4),
    `${item.low.toFixed(4)} .. ${item.high.toFixed(4)}`,
    item.pValue.toFixed(3),
    (item.significant ? '*' : '') + (item.paired ? '' : ' unpaired'),
  ]);
  const table = formatTable(['task', 'metric', 'a', 'b', 'b - a', '95 %', 'p', ''], rows);
  return [table, ...warnings.map((warning) => `warning: ${warning}`)].join('\n');
}
