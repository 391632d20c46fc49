import type { MetricsRow } from '../metrics/metrics-log.ts';
import { type AttentionMap, attentionMapSvg } from './attention-map.ts';
import { escapeHtml, shortNumber } from './html.ts';
import { CHART_STYLE, type ChartMark, lineChart } from './line-chart.ts';

/** A continued prompt. */
export interface TextSample {
  readonly prompt: string;
  readonly text: string;
}

/** Everything a report shows. */
export interface ReportContent {
  readonly title: string;
  /** Facts for the table at the top, in order. */
  readonly facts: readonly (readonly [string, string])[];
  readonly metrics: readonly MetricsRow[];
  /** Bits per byte of Witten-Bell models of order 0, 1, ...; empty for none. */
  readonly yardsticks: readonly number[];
  readonly samples: readonly TextSample[];
  readonly attention: readonly AttentionMap[];
  readonly config: unknown;
}

/** Style of all reports. */
export const REPORT_STYLE = `
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 860px; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; } td, th { padding: 2px 14px 2px 0; text-align: left; vertical-align: top; }
${CHART_STYLE.trim()}
.map { margin: 4px 12px 4px 0; } blockquote { margin: .6rem 0; padding: .4rem 1rem; border-left: 3px solid #bbb; white-space: pre-wrap; }
blockquote b { font-weight: 600; } pre { background: #f6f6f6; padding: 1rem; overflow-x: auto; font-size: 12px; }
`;

/** The report of a run as one HTML file that loads nothing. */
export function reportHtml(content: ReportContent): string {
  const { title, facts, samples, attention, config } = content;
  const sections = [
    `<table>${facts.map(([name, value]) => `<tr><th>${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`).join('')}</table>`,
    section('Loss', lossChart(content.metrics)),
    section('Held-out bits per byte', bitsChart(content.metrics, content.yardsticks)),
    yardstickTable(content),
    section(
      'Attention over sequence and depth',
      attention.length > 0
        ? `<p>Rows are positions. Left of the dashed line: earlier positions; right of it: the depth slots of the position itself, oldest first.</p>${attention.map(attentionMapSvg).join('')}`
        : '<p>This model has no map to show.</p>',
    ),
    section(
      'Samples',
      samples
        .map(({ prompt, text }) => `<blockquote><b>${escapeHtml(prompt)}</b>${escapeHtml(text)}</blockquote>`)
        .join(''),
    ),
    section('Configuration', `<pre>${escapeHtml(JSON.stringify(config, null, 2))}</pre>`),
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title><style>${REPORT_STYLE}</style></head>
<body><h1>${escapeHtml(title)}</h1>
${sections.join('\n')}
</body></html>
`;
}

function section(heading: string, body: string): string {
  return `<h2>${escapeHtml(heading)}</h2>\n${body}`;
}

function points(metrics: readonly MetricsRow[], name: string): [number, number][] {
  return metrics.flatMap((row): [number, number][] => {
    const value = row[name];
    return value === undefined ? [] : [[row.step, typeof value === 'number' ? value : Number.NaN]];
  });
}

/** Mean over a window that trails each point by a fiftieth of the run. */
function smoothed(raw: readonly (readonly [number, number])[]): [number, number][] {
  const window = Math.max(1, Math.floor(raw.length / 50));
  let sum = 0;
  let count = 0;
  const add = (value: number, sign: 1 | -1): void => {
    if (!Number.isFinite(value)) return;
    sum += sign * value;
    count += sign;
  };
  return raw.map(([x, y], i) => {
    add(y, 1);
    if (i >= window) add(raw[i - window][1], -1);
    return [x, count === 0 ? Number.NaN : sum / count];
  });
}

function lossChart(metrics: readonly MetricsRow[]): string {
  const raw = points(metrics, 'loss');
  return lineChart({
    title: 'Cross-entropy',
    xLabel: 'step',
    yLabel: 'nats per token',
    series: [
      { label: 'training', colour: '#9db8d9', points: raw, opacity: 0.7 },
      { label: 'training, mean', colour: '#1f4e8c', points: smoothed(raw) },
      { label: 'held out', colour: '#b3441e', points: points(metrics, 'heldOutLoss'), dots: true },
    ],
  });
}

function bitsChart(metrics: readonly MetricsRow[], yardsticks: readonly number[]): string {
  const marks: ChartMark[] = yardsticks.map((y, order) => ({
    label: `byte model, order ${order}: ${y.toFixed(2)}`,
    y,
  }));
  const series = [
    { label: 'this model', colour: '#b3441e', points: points(metrics, 'heldOutBitsPerByte'), dots: true },
  ];
  return lineChart({ title: 'Lower is better', xLabel: 'step', yLabel: 'bits per byte', series, marks });
}

function yardstickTable({ metrics, yardsticks }: ReportContent): string {
  const last = points(metrics, 'heldOutBitsPerByte').at(-1)?.[1];
  if (last === undefined) return '';
  const rows = yardsticks.map((bits, order) => [`Witten-Bell byte model of order ${order}`, bits] as const);
  const all = [...rows, ['this model' as string, last] as const];
  return `<table><tr><th>held-out text, same split</th><th>bits per byte</th></tr>${all
    .map(([name, bits]) => `<tr><td>${escapeHtml(name)}</td><td>${shortNumber(bits)}</td></tr>`)
    .join('')}</table>`;
}
