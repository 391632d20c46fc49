import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { downsample } from '../data/downsample.ts';
import { useColorTheme } from '../shell/color-theme.ts';

export interface Series {
  readonly label: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
}

interface LineChartProps {
  readonly title: string;
  readonly xLabel: string;
  readonly series: readonly Series[];
  readonly isLogY?: boolean;
}

/** Colours `--series-1` to `--series-8` of the theme; further series repeat them dashed. */
const COLORS = 8;
const MAX_POINTS = 4000;

/** Several lines over one axis, canvas-drawn; long series are thinned without losing spikes. */
export function LineChart({ title, xLabel, series, isLogY = false }: LineChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const theme = useColorTheme();
  useEffect(() => {
    const element = host.current!;
    const thinned = series.map(({ x, y }) => {
      const kept = downsample(x, y, MAX_POINTS);
      return [kept.map((i) => x[i]), kept.map((i) => y[i])] as [number[], number[]];
    });
    const data = uPlot.join(thinned.length > 0 ? thinned : [[[], []]]);
    const style = getComputedStyle(element);
    const axis = {
      font: '12px system-ui, sans-serif',
      stroke: style.color,
      grid: { stroke: style.getPropertyValue('--line') },
      ticks: { stroke: style.getPropertyValue('--line') },
    };
    const chart = new uPlot(
      {
        width: element.clientWidth,
        height: 260,
        scales: { x: { time: false }, y: { distr: isLogY ? 3 : 1 } },
        axes: [{ ...axis, label: xLabel }, axis],
        series: [
          { label: xLabel },
          ...series.map(({ label }, i) => ({
            label,
            stroke: style.getPropertyValue(`--series-${(i % COLORS) + 1}`),
            dash: i < COLORS ? undefined : [6, 4],
            width: 1.75,
            spanGaps: true,
          })),
        ],
      },
      data,
      element,
    );
    const observer = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: 260 }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
    };
  }, [series, isLogY, xLabel, theme]);
  return (
    <figure class="chart">
      <figcaption>{title}</figcaption>
      <div
        ref={host}
        role="img"
        aria-label={`${title} against ${xLabel}: ${series.map(({ label }) => label).join(', ')}`}
      />
    </figure>
  );
}
