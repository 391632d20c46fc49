import { useMemo } from 'preact/hooks';
import { CurveChart } from '../../charts/curve-chart.tsx';
import { compactNumber, durationText } from '../../charts/format-number.ts';
import { runColour } from '../../charts/run-colour.ts';
import { AXIS_LABELS, type Axis, type AxisRange, positionsOf } from '../../runs/axes.ts';
import { chartsOf, curvesOf } from '../../runs/chart-list.ts';
import type { ShownRun } from '../../runs/run-store.ts';
import { useColorTheme } from '../../shell/color-theme.ts';
import type { DrawingOptions } from './run-toolbar.tsx';

interface RunChartsProps {
  readonly runs: readonly ShownRun[];
  readonly options: DrawingOptions;
  readonly range: AxisRange | null;
  readonly onZoom: (range: AxisRange | null) => void;
}

/** From the first to the last point of any run. */
function extentOf(runs: readonly ShownRun[], axis: Axis): readonly [number, number] {
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { series } of runs) {
    const positions = series === null ? [] : positionsOf(series, axis);
    if (positions.length === 0) continue;
    from = Math.min(from, positions[0]);
    to = Math.max(to, positions.at(-1)!);
  }
  if (!(from <= to)) return [0, 1];
  return from === to ? [from - 0.5, to + 0.5] : [from, to];
}

/** One chart for each field that the runs have. */
export function RunCharts({ runs, options, range, onZoom }: RunChartsProps) {
  const { axis, smoothing, isLogY } = options;
  const theme = useColorTheme();
  const charts = useMemo(
    () =>
      chartsOf(runs).map((chart) => ({
        ...chart,
        curves: curvesOf(chart.field, runs, axis, (i) => runColour(i, theme)),
      })),
    [runs, axis, theme],
  );
  const [from, to] = range?.axis === axis ? [range.from, range.to] : extentOf(runs, axis);
  return (
    <div class="run-charts">
      {charts.map(({ field, title, formatY, curves }) => (
        <CurveChart
          key={field}
          title={title}
          xLabel={AXIS_LABELS[axis]}
          curves={curves}
          from={from}
          to={to}
          isLogY={isLogY}
          smoothing={smoothing}
          formatX={axis === 'time' ? durationText : compactNumber}
          formatY={formatY}
          onZoom={(begin, end) => onZoom({ axis, from: begin, to: end })}
          onReset={() => onZoom(null)}
        />
      ))}
    </div>
  );
}
