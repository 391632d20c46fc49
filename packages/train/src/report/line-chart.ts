import { escapeHtml, shortNumber } from './html.ts';

/** A curve; points in ascending x, values that are not finite are gaps. */
export interface ChartSeries {
  readonly label: string;
  readonly colour: string;
  readonly points: readonly (readonly [number, number])[];
  /** Draw a dot at each point. */
  readonly dots?: boolean;
  readonly opacity?: number;
  /** A shaded area around the curve: `[x, low, high]` in ascending x. */
  readonly band?: readonly (readonly [number, number, number])[];
}

/** A horizontal line to compare with. */
export interface ChartMark {
  readonly label: string;
  readonly y: number;
}

/** What to draw. */
export interface LineChart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly ChartSeries[];
  readonly marks?: readonly ChartMark[];
  /** Equal ratios of x take equal room; the points' own x are labelled. */
  readonly logX?: boolean;
}

/** Style of a chart's parts; a page may set the colours of text and lines. */
export const CHART_STYLE = `
svg text { font: 11px system-ui, sans-serif; fill: var(--soft, #444); } svg .title { font-size: 13px; fill: var(--text, #222); }
.grid { stroke: var(--line, #e6e6e6); } .mark { stroke: #888; stroke-dasharray: 4 3; }
svg .mark-label { fill: var(--soft, #666); font-size: 10px; }
`;

const WIDTH = 760;
const HEIGHT = 320;
const LEFT = 56;
const RIGHT = 150;
const TOP = 28;
const BOTTOM = 40;
/** More points than pixels only make the file larger. */
const MAX_POINTS = 700;

interface Scale {
  readonly low: number;
  readonly high: number;
  readonly at: (value: number) => number;
  /** Values to label. */
  readonly ticks: readonly number[];
}

/** A line chart as a self-contained SVG element. Without any finite point, a sentence says so. */
export function lineChart(chart: LineChart): string {
  const finite = chart.series.flatMap(({ points }) => points.filter(([, y]) => Number.isFinite(y)));
  if (finite.length === 0) return `<p>${escapeHtml(chart.title)}: no points.</p>`;
  const values = [
    ...finite.map(([, y]) => y),
    ...(chart.marks ?? []).map(({ y }) => y),
    ...chart.series.flatMap(({ band = [] }) => band.flatMap(([, low, high]) => [low, high]).filter(Number.isFinite)),
  ];
  const places = finite.map(([value]) => value);
  const x = chart.logX ? logScale(places, LEFT, WIDTH - RIGHT) : scale(extent(places), LEFT, WIDTH - RIGHT);
  const y = scale(padded(extent(values)), HEIGHT - BOTTOM, TOP);
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(chart.title)}">`,
    `<text x="${LEFT}" y="16" class="title">${escapeHtml(chart.title)}</text>`,
    axes(chart, x, y),
    ...(chart.marks ?? []).map((mark) => markLine(mark, y)),
    ...chart.series.map((series) => area(series, x, y)),
    ...chart.series.map((series) => curve(series, x, y)),
    chart.marks?.length ? legendAbove(chart.series) : legend(chart.series),
    '</svg>',
  ].join('\n');
}

/** A line chart as the text of an SVG file: for an image. Without any finite point it is empty. */
export function lineChartFile(chart: LineChart): string {
  const element = lineChart(chart);
  if (!element.startsWith('<svg ')) return '';
  const opened = element.indexOf('>');
  return `${element.slice(0, opened)} xmlns="http://www.w3.org/2000/svg"><style>${CHART_STYLE}</style>${element.slice(opened + 1)}`;
}

function extent(values: readonly number[]): [number, number] {
  return values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
}

function padded([low, high]: [number, number]): [number, number] {
  const margin = (high - low || Math.abs(high) || 1) * 0.05;
  return [low - margin, high + margin];
}

function scale([low, high]: [number, number], from: number, to: number): Scale {
  const span = high - low || 1;
  const at = (value: number): number => Math.round((from + ((value - low) / span) * (to - from)) * 10) / 10;
  return { low, high, at, ticks: roundNumbers(low, high) };
}

/** Logarithmic, with a label at each of at most eight places, else at powers of two of the smallest. */
function logScale(places: readonly number[], from: number, to: number): Scale {
  const [low, high] = extent(places);
  const inner = scale([Math.log(low), Math.log(high)], from, to);
  const own = [...new Set(places)].sort((a, b) => a - b);
  const doubled = Array.from({ length: Math.floor(Math.log2(high / low)) + 1 }, (_, i) => low * 2 ** i);
  return { low, high, at: (value) => inner.at(Math.log(value)), ticks: own.length <= 8 ? own : doubled };
}

/** About five round numbers inside a range. */
function roundNumbers(low: number, high: number): number[] {
  const rough = (high - low || 1) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough)!;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.max(0, Math.floor(high / step) - first + 1) }, (_, i) => (first + i) * step);
}

function axes(chart: LineChart, x: Scale, y: Scale): string {
  const right = WIDTH - RIGHT;
  const base = HEIGHT - BOTTOM;
  const rows = y.ticks.map(
    (value) =>
      `<line x1="${LEFT}" x2="${right}" y1="${y.at(value)}" y2="${y.at(value)}" class="grid"/>` +
      `<text x="${LEFT - 6}" y="${y.at(value) + 4}" text-anchor="end">${shortNumber(value)}</text>`,
  );
  const columns = x.ticks.map(
    (value) => `<text x="${x.at(value)}" y="${base + 16}" text-anchor="middle">${shortNumber(value)}</text>`,
  );
  const labels =
    `<text x="${(LEFT + right) / 2}" y="${HEIGHT - 6}" text-anchor="middle">${escapeHtml(chart.xLabel)}</text>` +
    `<text x="14" y="${(TOP + base) / 2}" text-anchor="middle" transform="rotate(-90 14 ${(TOP + base) / 2})">` +
    `${escapeHtml(chart.yLabel)}</text>`;
  return [...rows, ...columns, labels].join('\n');
}

function markLine({ label, y: value }: ChartMark, y: Scale): string {
  const right = WIDTH - RIGHT;
  return (
    `<line x1="${LEFT}" x2="${right}" y1="${y.at(value)}" y2="${y.at(value)}" class="mark"/>` +
    `<text x="${right + 6}" y="${y.at(value) + 4}" class="mark-label">${escapeHtml(label)}</text>`
  );
}

/** The band of a series. */
function area({ band = [], colour }: ChartSeries, x: Scale, y: Scale): string {
  const finite = band.filter(([, low, high]) => Number.isFinite(low) && Number.isFinite(high));
  const every = Math.max(1, Math.ceil(finite.length / MAX_POINTS));
  const shown = finite.filter((_, i) => i % every === 0 || i === finite.length - 1);
  if (shown.length < 2) return '';
  const upper = shown.map(([px, , high]) => `${x.at(px)} ${y.at(high)}`);
  const lower = shown.map(([px, low]) => `${x.at(px)} ${y.at(low)}`).reverse();
  return `<path d="M${[...upper, ...lower].join('L')}Z" fill="${colour}" opacity="0.15"/>`;
}

function curve({ points, colour, dots, opacity = 1 }: ChartSeries, x: Scale, y: Scale): string {
  const every = Math.max(1, Math.ceil(points.length / MAX_POINTS));
  const shown = points.filter((_, i) => i % every === 0 || i === points.length - 1);
  let path = '';
  let pen = 'M';
  for (const [px, py] of shown) {
    if (Number.isFinite(py)) path += `${pen}${x.at(px)} ${y.at(py)}`;
    pen = Number.isFinite(py) ? 'L' : 'M';
  }
  const circles = dots
    ? shown
        .filter(([, py]) => Number.isFinite(py))
        .map(([px, py]) => `<circle cx="${x.at(px)}" cy="${y.at(py)}" r="2.5" fill="${colour}"/>`)
    : [];
  return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="1.6" opacity="${opacity}"/>${circles.join('')}`;
}

function legendEntry({ label, colour }: ChartSeries, x: number, y: number): string {
  return (
    `<rect x="${x}" y="${y - 9}" width="10" height="10" fill="${colour}"/>` +
    `<text x="${x + 16}" y="${y}">${escapeHtml(label)}</text>`
  );
}

function legend(series: readonly ChartSeries[]): string {
  return series.map((entry, i) => legendEntry(entry, WIDTH - RIGHT + 8, TOP + 18 * i + 1)).join('\n');
}

/** In one row beside the title, where labels of marks stand at the right. */
function legendAbove(series: readonly ChartSeries[]): string {
  return series.map((entry, i) => legendEntry(entry, WIDTH / 2 + 150 * (i - series.length / 2), 15)).join('\n');
}
