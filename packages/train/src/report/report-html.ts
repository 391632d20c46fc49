import type { MetricsRow } from '../metrics/metrics-log.ts';
import { type AttentionMap, attentionMapSvg, attentionScaleSvg } from './attention-map.ts';
import { escapeHtml, shortNumber } from './html.ts';
import { type ChartMark, lineChart } from './line-chart.ts';
import { reportPage, scrolled, section } from './report-page.ts';

/** A continued prompt. */
export interface TextSample {
  readonly prompt: string;
  readonly text: string;
}

/** Another run to compare with. */
export interface RunBeside {
  /** What it is called in the charts: a word or two, such as its depth mechanism. */
  readonly name: string;
  /** What it is, in a sentence: with its run's name and size. */
  readonly label: string;
  readonly metrics: readonly MetricsRow[];
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
  /** A run that differs in one thing, such as the same model without depth. */
  readonly beside?: RunBeside;
  /** What a reader may do next: a command, and what it does. */
  readonly next?: readonly (readonly [string, string])[];
}

/** The report of a run as one HTML file that loads nothing. */
export function reportHtml(content: ReportContent): string {
  const { title, facts, samples, attention, config, next = [] } = content;
  const sections = [
    `<table>${facts.map(([name, value]) => `<tr><th>${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`).join('')}</table>`,
    section('Loss', scrolled('Loss', lossChart(content))),
    section('Held-out bits per byte', `${BITS_NOTE}${scrolled('Bits per byte', bitsChart(content))}`),
    besideNote(content),
    yardstickTable(content),
    section(
      'Learning rate and gradient norm',
      scrolled('Learning rate and gradient norm', optimizerCharts(content.metrics)),
    ),
    section(
      'Attention over sequence and depth',
      attention.length > 0
        ? `<p class="note">Rows are positions of held-out text, each with its token (· is a space). Left of the dashed line: the probability of each earlier position; right of it: of the depth slots of the position itself, oldest first.</p>${scrolled('Attention maps', `${attentionScaleSvg()}<br>${attention.map(attentionMapSvg).join('')}`, 'maps')}`
        : '<p>This model has no map to show.</p>',
    ),
    section(
      'Samples',
      samples
        .map(({ prompt, text }) => `<blockquote><b>${escapeHtml(prompt)}</b>${escapeHtml(text)}</blockquote>`)
        .join(''),
    ),
    ...(next.length > 0 ? [section('Next', nextBox(next))] : []),
    section(
      'Settings',
      `<details><summary>All settings of the run and its model</summary><pre tabindex="0">${escapeHtml(JSON.stringify(config, null, 2))}</pre></details>`,
    ),
  ];
  return reportPage(title, sections.join('\n'));
}

const BITS_NOTE = `<p class="note">Bits per byte: the loss on held-out text in bits, divided by the bytes of the text, so that models with other
tokenizers can be compared. 8 is a guess without knowledge. The dashed lines are byte models that have counted what follows the last 0, 1, 2,
... bytes of the same training text: a model worth its training is below them.</p>`;

function nextBox(next: readonly (readonly [string, string])[]): string {
  const entries = next.map(
    ([command, what]) => `<dt><code>${escapeHtml(command)}</code></dt><dd>${escapeHtml(what)}</dd>`,
  );
  return `<dl class="next">${entries.join('')}</dl>`;
}

/** The last held-out numbers of both runs, in words. */
function besideNote({ metrics, beside }: ReportContent): string {
  if (beside === undefined) return '';
  const last = (rows: readonly MetricsRow[]): string =>
    shortNumber(points(rows, 'heldOutBitsPerByte').at(-1)?.[1] ?? Number.NaN);
  return `<p>At the end: this model ${last(metrics)} bits per byte, ${escapeHtml(beside.label)} ${last(beside.metrics)}. One seed of each says little: <code>moda study</code> compares over several.</p>`;
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

const OWN_COLOUR = '#c8551f';
const TRAINING_COLOUR = '#2f6fc4';
const BESIDE_COLOUR = '#7a8a2e';

function lossChart({ metrics, beside }: ReportContent): string {
  const raw = points(metrics, 'loss');
  const other = beside && { label: `held out, ${beside.name}`, points: points(beside.metrics, 'heldOutLoss') };
  return lineChart({
    title: 'Cross-entropy',
    xLabel: 'step',
    yLabel: 'nats per token',
    series: [
      { label: 'training', colour: TRAINING_COLOUR, points: raw, opacity: 0.4 },
      { label: 'training, mean', colour: TRAINING_COLOUR, points: smoothed(raw) },
      { label: 'held out', colour: OWN_COLOUR, points: points(metrics, 'heldOutLoss'), dots: true },
      ...(other ? [{ ...other, colour: BESIDE_COLOUR, dots: true }] : []),
    ],
  });
}

function bitsChart({ metrics, yardsticks, beside }: ReportContent): string {
  const marks: ChartMark[] = yardsticks.map((y, order) => ({
    label: `byte model, order ${order}: ${y.toFixed(2)}`,
    y,
  }));
  const series = [
    { label: 'this model', colour: OWN_COLOUR, points: points(metrics, 'heldOutBitsPerByte'), dots: true },
    ...(beside
      ? [
          {
            label: beside.name,
            colour: BESIDE_COLOUR,
            points: points(beside.metrics, 'heldOutBitsPerByte'),
            dots: true,
          },
        ]
      : []),
  ];
  return lineChart({ title: 'Lower is better', xLabel: 'step', yLabel: 'bits per byte', series, marks });
}

/** What the optimiser did: its rate, and how long gradients were before clipping. */
function optimizerCharts(metrics: readonly MetricsRow[]): string {
  const rate = { label: 'learning rate', colour: TRAINING_COLOUR, points: points(metrics, 'learningRate') };
  const raw = points(metrics, 'gradientNorm');
  const norms = [
    { label: 'norm', colour: TRAINING_COLOUR, points: raw, opacity: 0.4 },
    { label: 'norm, mean', colour: TRAINING_COLOUR, points: smoothed(raw) },
  ];
  return (
    lineChart({ title: 'Learning rate', xLabel: 'step', yLabel: 'learning rate', series: [rate] }) +
    lineChart({ title: 'Gradient norm, before clipping', xLabel: 'step', yLabel: 'norm', series: norms })
  );
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
