import type { RunSeries } from '../series/run-series.ts';

/** What the curves are drawn against. */
export type Axis = 'step' | 'tokens' | 'time';

/** A range of an axis: steps, tokens, or seconds. */
export interface AxisRange {
  readonly axis: Axis;
  readonly from: number;
  readonly to: number;
}

export const AXIS_LABELS: Readonly<Record<Axis, string>> = { step: 'step', tokens: 'tokens', time: 'training time' };

/** Where each bucket lies on an axis, ascending. A run that logs no tokens has none, and is not drawn against them. */
export function positionsOf(series: RunSeries, axis: Axis, startMs = 0): readonly number[] {
  if (axis === 'step') return series.step;
  if (axis === 'time') return series.elapsedMs.map((ms) => (ms + startMs) / 1000);
  const tokens = series.fields.tokens?.mean ?? [];
  let last = 0;
  return tokens.map((value) => (last = Math.max(last, value ?? last)));
}

/** The steps of a run within a range of an axis; null when nothing of it lies there. */
export function stepsWithin(series: RunSeries, { axis, from, to }: AxisRange): { from: number; to: number } | null {
  const positions = positionsOf(series, axis);
  if (positions.length === 0 || positions[0] > to || positions.at(-1)! < from) return null;
  const first = interpolate(positions, series.step, from);
  const last = interpolate(positions, series.step, to);
  return { from: Math.max(0, Math.floor(first)), to: Math.max(0, Math.ceil(last)) };
}

/** The time at a step, milliseconds since the run began. */
export function elapsedAt(series: RunSeries, step: number): number {
  return interpolate(series.step, series.elapsedMs, step);
}

/** The value at `x` of the line through the points; the ends' values outside. `xs` ascends. */
function interpolate(xs: readonly number[], ys: readonly number[], x: number): number {
  if (xs.length === 0) return 0;
  let [low, high] = [0, xs.length - 1];
  if (x <= xs[low]) return ys[low];
  if (x >= xs[high]) return ys[high];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] <= x) low = middle;
    else high = middle;
  }
  const width = xs[high] - xs[low];
  return width === 0 ? ys[low] : ys[low] + ((x - xs[low]) / width) * (ys[high] - ys[low]);
}
