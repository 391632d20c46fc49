import type { Curve } from '../charts/curve.ts';
import { bytesText, compactNumber } from '../charts/format-number.ts';
import { type FieldSeries, fieldOf, type RunSeries } from '../series/run-series.ts';
import { type Axis, elapsedAt, positionsOf } from './axes.ts';
import type { ShownRun } from './run-store.ts';
import { runTitle } from './run-title.ts';

/** A chart of the Runs page. */
export interface RunChart {
  readonly field: string;
  readonly title: string;
  readonly formatY: (value: number) => string;
}

/** What every run has, in this order; what else there is follows by name. `<name>/` stands for all fields below it. */
const KNOWN: readonly (readonly [field: string, title: string, formatY?: (value: number) => string])[] = [
  ['loss', 'Training loss, nats per token'],
  ['heldOutBitsPerByte', 'Held-out bits per byte'],
  ['heldOutLoss', 'Held-out loss, nats per token'],
  ['gradientNorm', 'Gradient norm'],
  ['learningRate', 'Learning rate'],
  ['tokensPerSecond', 'Tokens per second'],
  ['modelGflopsPerSecond', 'Model GFLOP/s'],
  ['deviceBytes', 'Device memory', bytesText],
  ['depthMass/', 'Attention mass on depth slots'],
  ['sinkMass/', 'Attention mass on the first position'],
];
/** Axes, and what says the same as another chart. */
const LEFT_OUT = new Set(['tokens', 'timeMs']);

/** The charts for these runs: one for each field that any of them has. */
export function chartsOf(runs: readonly ShownRun[]): RunChart[] {
  const fields = new Set(runs.flatMap(({ series }) => Object.keys(series?.fields ?? {})));
  const groups = new Set(
    [...fields].map((field) => (/^(depthMass|sinkMass)\//.test(field) ? field.replace(/\/.*/, '/') : field)),
  );
  const known = KNOWN.filter(([field]) => groups.has(field));
  const others = [...groups].filter((field) => !LEFT_OUT.has(field) && !KNOWN.some(([name]) => name === field)).sort();
  return [
    ...known.map(([field, title, formatY = compactNumber]) => ({ field, title, formatY })),
    ...others.map((field) => ({ field, title: field, formatY: /bytes$/i.test(field) ? bytesText : compactNumber })),
  ];
}

/**
 * The curves of a chart. Of fields that are one a layer, a single run shows every layer, several show their means.
 *
 * @param colourOf colour of the i-th line
 */
export function curvesOf(
  field: string,
  runs: readonly ShownRun[],
  axis: Axis,
  colourOf: (i: number) => string,
): Curve[] {
  return runs.flatMap(({ series: overview, zoomed, name, colour }) => {
    const series = zoomed ?? overview;
    if (overview === null || series === null) return [];
    const x = positionsOf(series, axis, zoomed === null ? 0 : elapsedAt(overview, zoomed.step[0] ?? 0));
    if (x.length === 0) return [];
    const curve = (label: string, values: FieldSeries, at: number): Curve => {
      const { mean, low, high } = values;
      return { label, colour: colourOf(at), x, y: mean, ...(low && high ? { low, high } : {}) };
    };
    if (!field.endsWith('/')) {
      const values = fieldOf(series, field);
      return values ? [curve(runTitle(name), values, colour)] : [];
    }
    const layers = layersOf(series, field);
    if (layers.length === 0) return [];
    if (runs.length === 1) return layers.map(([label, values], i) => curve(label, values, i));
    return [curve(runTitle(name), { mean: meanOf(layers.map(([, { mean }]) => mean)) }, colour)];
  });
}

function layersOf(series: RunSeries, group: string): (readonly [string, FieldSeries])[] {
  return Object.entries(series.fields)
    .filter(([field]) => field.startsWith(group))
    .map(([field, values]) => [`layer ${field.slice(group.length)}`, values] as const)
    .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
}

function meanOf(columns: readonly FieldSeries['mean'][]): (number | null)[] {
  return columns[0].map((_, i) => {
    const values = columns.flatMap((column) => column[i] ?? []);
    return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
  });
}
