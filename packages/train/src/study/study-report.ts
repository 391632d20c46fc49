import { escapeHtml } from '../report/html.ts';
import { htmlTable } from '../report/html-table.ts';
import { type LineChart, lineChart } from '../report/line-chart.ts';
import { reportPage, scrolled, section } from '../report/report-page.ts';
import { curvesChart, depthCharts, numericKeys, sweepChart, variedKeys } from './study-charts.ts';
import type { StudyFile } from './study-run.ts';
import {
  changeLines,
  corpusTable,
  costTable,
  lossTable,
  measureTable,
  missingLines,
  type StudyTable,
  signed,
  sweepTable,
  unfinishedTable,
} from './study-tables.ts';
import { type StudySummary, summarizeStudy } from './summarize-study.ts';

/** The report of a study as one HTML file that loads nothing. */
export function studyReportHtml(file: StudyFile): string {
  const summary = summarizeStudy(file);
  const groups = [...new Set(file.plan.variants.map(({ group }) => group))];
  const sections = [
    section('Result', resultSentences(summary), table(lossTable(summary))),
    section('Missing', list(missingLines(file, summary), 'Nothing: every seed of every variant finished.')),
    section('Runs that diverged or failed', table(unfinishedTable(summary), 'None.')),
    section('Loss against what was varied', ...sweeps(file, summary, groups)),
    section(
      'Curves',
      '<p>Means over seeds; the band is the range of the seeds.</p>',
      ...groups.map((group) => chart(curvesChart(file, summary, group))),
    ),
    section('Held-out loss by corpus', table(corpusTable(summary), 'One corpus.')),
    section(
      'Perplexity domains',
      '<p>Bits per byte; stand-ins for the paper’s ten domains.</p>',
      table(measureTable(summary, 'perplexity/'), 'Not measured.'),
    ),
    section(
      'Tasks',
      '<p>Bits per byte of the right answer.</p>',
      table(measureTable(summary, 'task/'), 'Not measured.'),
    ),
    section(
      'Attention over depth',
      ...depthCharts(file, summary)
        .filter(({ series }) => series.length > 0)
        .map(chart),
    ),
    section('Costs', table(costTable(summary))),
    section('What variants change besides the mechanism', list(changeLines(file), 'Nothing.')),
    section(
      'Study file',
      `<details><summary>The study as it was written</summary><pre tabindex="0">${escapeHtml(file.source)}</pre></details>`,
    ),
  ];
  const devices = [...new Set(file.runs.map(({ device }) => device))].join('; ');
  return reportPage(
    file.name,
    `<p>${file.runs.length} runs${devices === '' ? '' : ` on ${escapeHtml(devices)}`}. Losses in nats per token, errors are standard errors of the mean.
Differences are taken seed by seed: runs of one seed share initial weights and data order.</p>
${sections.join('\n')}`,
    STYLE,
  );
}

/** Many columns, of numbers. */
const STYLE =
  'body { max-width: 1100px; } thead th { border-bottom: 1px solid var(--line); } td { font-variant-numeric: tabular-nums; overflow-wrap: normal; }\n';

function table({ headings, rows }: StudyTable, otherwise = 'No runs yet.'): string {
  return rows.length === 0 || headings.length < 2
    ? `<p>${otherwise}</p>`
    : scrolled(headings.join(', '), htmlTable(headings, rows));
}

function chart(content: LineChart): string {
  return scrolled(content.title, lineChart(content));
}

function list(lines: readonly string[], otherwise: string): string {
  if (lines.length === 0) return `<p>${otherwise}</p>`;
  return `<ul>${lines.map((line) => `<li>${escapeHtml(line)}</li>`).join('')}</ul>`;
}

function resultSentences({ comparisons }: StudySummary): string {
  const sentences = comparisons.flatMap(({ variant, baseline, difference }) => {
    if (variant === baseline || !difference?.interval) return [];
    const [low, high] = difference.interval;
    const verdict = low > 0 ? 'higher' : high < 0 ? 'lower' : 'not distinguishable';
    return [
      `${variant} changes held-out loss against ${baseline} by ${signed(difference.mean, difference.standardError)} ` +
        `(95 % ${signed(low)} to ${signed(high)}, ${difference.n} seeds): ${verdict}.`,
    ];
  });
  return list(sentences, 'No variant has two finished seeds beside its baseline’s yet.');
}

/** A table, and a chart for each varied number, of every phase with several values. */
function sweeps(file: StudyFile, summary: StudySummary, groups: readonly string[]): string[] {
  return file.plan.phases.flatMap(({ name }) => {
    if (variedKeys(summary, name).length === 0) return [];
    const numeric = numericKeys(summary, name);
    return [
      `<h3>${escapeHtml(name)}</h3>`,
      table(sweepTable(summary, name)),
      ...groups.flatMap((group) => numeric.map((key) => chart(sweepChart(file, summary, group, name, key)))),
    ];
  });
}
