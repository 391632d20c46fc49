import { useMemo } from 'preact/hooks';
import type { Curve } from '../../charts/curve.ts';
import { CurveChart } from '../../charts/curve-chart.tsx';
import { compactNumber } from '../../charts/format-number.ts';
import { extraTimeCurves, rooflineCurves, timeCurves } from '../../kernels/bench-curves.ts';
import type { PagePreset } from '../../kernels/bench-messages.ts';
import type { BenchSource } from '../../kernels/bench-source.ts';
import { timeText } from './bench-table.tsx';

interface BenchChart {
  readonly title: string;
  readonly xLabel: string;
  readonly curves: readonly Curve[];
  readonly isLogY: boolean;
  readonly formatY: (value: number) => string;
}

const percent = (value: number): string => `${compactNumber(value)} %`;
const speed = (value: number): string => compactNumber(value);

function chartsOf(preset: PagePreset, sources: readonly BenchSource[], colourOf: (i: number) => string): BenchChart[] {
  const roofline: BenchChart = {
    title: 'Roofline: TFLOP/s by arithmetic intensity',
    xLabel: 'FLOP a byte',
    curves: rooflineCurves(sources, preset, colourOf),
    isLogY: true,
    formatY: speed,
  };
  const time: BenchChart = {
    title: 'Time against T, forward and backward',
    xLabel: 'T',
    curves: timeCurves(
      sources.filter(({ rows }) => rows.some((row) => row.preset === preset)),
      colourOf,
    ),
    isLogY: true,
    formatY: timeText,
  };
  const extra = (['T', 'G', 'L'] as const).map((letter) => ({
    title: `Extra time of depth against ${letter}, % of the whole`,
    xLabel: letter,
    curves: extraTimeCurves(letter, sources, colourOf),
    isLogY: false,
    formatY: percent,
  }));
  if (preset === 'moda') return [time, ...extra, roofline];
  return preset === 'attention' ? [time, roofline] : [roofline];
}

const sizeText = (value: number): string => String(Math.round(value));

/** A factor beside the outermost points. */
const MARGIN = 1.15;

/** The charts of a preset, all with logarithmic x: sizes double. */
export function BenchCharts(props: {
  readonly preset: PagePreset;
  readonly sources: readonly BenchSource[];
  readonly colourOf: (i: number) => string;
}) {
  const { preset, sources, colourOf } = props;
  const charts = useMemo(() => chartsOf(preset, sources, colourOf), [preset, sources, colourOf]);
  return (
    <div class="bench-charts">
      {charts
        .filter(({ curves }) => curves.length > 0)
        .map(({ title, xLabel, curves, isLogY, formatY }) => {
          // A logarithmic axis from 0, or to infinity, would have no end of ticks.
          const x = curves.flatMap((curve) => curve.x).filter((value) => value > 0 && Number.isFinite(value));
          if (x.length === 0) return null;
          return (
            <CurveChart
              key={title}
              title={title}
              xLabel={xLabel}
              curves={curves}
              from={Math.min(...x) / MARGIN}
              to={Math.max(...x) * MARGIN}
              isLogX
              isLogY={isLogY}
              hasPoints={xLabel.length === 1}
              formatX={xLabel.length === 1 ? sizeText : compactNumber}
              formatY={formatY}
            />
          );
        })}
    </div>
  );
}
