import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import './curve-chart.css';
import { useColorTheme } from '../shell/color-theme.ts';
import { type AlignedCurves, alignCurves } from './align-curves.ts';
import { tooltipPlugin } from './chart-tooltip.ts';
import type { Curve } from './curve.ts';
import { logTicks } from './log-ticks.ts';
import { resolvedColour } from './run-colour.ts';
import { smooth } from './smooth.ts';

const HEIGHT = 240;
/** With more lines than this, what lies behind a smoothed line is not drawn. */
const MAX_BEHIND = 8;
/** Lines among which single pixels cannot be told apart. */
const MANY_LINES = 30;

/** A chart of lines over a common axis. */
export interface CurveChartProps {
  readonly title: string;
  readonly xLabel: string;
  readonly curves: readonly Curve[];
  /** What the x axis shows. */
  readonly from: number;
  readonly to: number;
  readonly isLogY?: boolean;
  readonly isLogX?: boolean;
  /** 0 as measured, to below 1. */
  readonly smoothing?: number;
  /** Marks each value, for few. */
  readonly hasPoints?: boolean;
  readonly formatX: (value: number) => string;
  readonly formatY: (value: number) => string;
  /** A range was drawn over with the pointer, or asked for by key. */
  readonly onZoom?: (from: number, to: number) => void;
  readonly onReset?: () => void;
}

interface Drawn {
  readonly curve: Curve;
  readonly isBehind: boolean;
}

/** The lines to draw: as they are, or smoothed over what they are. */
function linesOf({ curves, smoothing = 0, from, to }: CurveChartProps): Drawn[] {
  if (smoothing === 0) return curves.map((curve) => ({ curve, isBehind: false }));
  const behind = curves.length > MAX_BEHIND ? [] : curves.map((curve) => ({ curve, isBehind: true }));
  const front = curves.map(({ label, colour, x, y }) => ({
    curve: { label, colour, x, y: smooth(x, y, smoothing, to - from) },
    isBehind: false,
  }));
  return [...behind, ...front];
}

function dataOf(drawn: readonly Drawn[], { from, to, isLogY }: CurveChartProps, width: number): AlignedCurves {
  const curves = drawn.map(({ curve }) => curve);
  const columns = width / (curves.length > MANY_LINES ? 4 : 2);
  const [x, ...lines] = alignCurves(curves, from, to, Math.max(50, Math.round(columns)));
  return [x, ...lines.map((line) => line.map((value) => (canDraw(value, isLogY ?? false) ? value : null)))];
}

/** Whether an axis can show a range: no scale has room for infinity, and a logarithmic one none for 0. */
const isRange = (from: number, to: number, isLog: boolean): boolean =>
  Number.isFinite(from) && Number.isFinite(to) && from <= to && (!isLog || from > 0);

/** A clock that did not move gives infinite speeds: no scale has room for them. */
function canDraw(value: number | null | undefined, isLog: boolean): boolean {
  return typeof value === 'number' && Number.isFinite(value) && (!isLog || value > 0);
}

/** The line, or the dots, of a curve. */
function seriesOf(
  { curve, isBehind }: Drawn,
  style: CSSStyleDeclaration,
  isOneOfMany: boolean,
  hasPoints: boolean,
): uPlot.Series {
  const isDots = curve.style === 'dots';
  return {
    label: isBehind ? '' : curve.label,
    stroke: resolvedColour(curve.colour, style),
    width: isOneOfMany ? 1 : 1.5,
    alpha: isBehind ? 0.25 : 1,
    spanGaps: true,
    ...(curve.style === 'dashed' ? { dash: [6, 4] } : {}),
    ...(isDots ? { paths: () => null } : {}),
    points: { show: (hasPoints || isDots) && !isBehind, size: 7, fill: resolvedColour(curve.colour, style) },
  };
}

/** Takes what was selected by dragging as the range to show. */
function zoomToSelection(plot: uPlot, onZoom: CurveChartProps['onZoom']): void {
  if (plot.select.width < 4) return;
  const [from, to] = [plot.select.left, plot.select.left + plot.select.width].map((at) => plot.posToVal(at, 'x'));
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  onZoom?.(from, to);
}

function optionsOf(
  host: HTMLElement,
  drawn: readonly Drawn[],
  props: CurveChartProps,
  shown: { current: CurveChartProps },
): uPlot.Options {
  const style = getComputedStyle(host);
  const line = { stroke: style.getPropertyValue('--line'), width: 1 };
  const axis = { stroke: style.color, grid: line, ticks: { ...line, size: 4 }, font: '12px system-ui, sans-serif' };
  const { isLogX, isLogY, hasPoints = false } = props;
  return {
    width: host.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: {
      sync: { key: props.xLabel, setSeries: false },
      drag: { x: true, y: false, setScale: false },
      points: { show: false },
    },
    scales: {
      x: { time: false, distr: isLogX ? 3 : 1, range: () => [shown.current.from, shown.current.to] },
      y: { distr: isLogY ? 3 : 1 },
    },
    axes: [
      {
        ...axis,
        values: (_plot, values) => values.map((value) => (value === null ? '' : shown.current.formatX(value))),
        space: 70,
        ...(isLogX ? { splits: logSplits } : {}),
        // Sizes that double have no round values of a scale between them.
        ...(hasPoints && isLogX ? { splits: () => sizesOf(drawn), filter: apart, space: 0 } : {}),
        size: 32,
      },
      {
        ...axis,
        ...(isLogY ? { splits: logSplits } : {}),
        values: (_plot, values) => values.map((value) => (value === null ? '' : shown.current.formatY(value))),
        size: 64,
      },
    ],
    series: [{}, ...drawn.map((one) => seriesOf(one, style, drawn.length > MANY_LINES, hasPoints))],
    plugins: [
      tooltipPlugin({
        x: (value) => `${shown.current.xLabel} ${shown.current.formatX(value)}`,
        y: shown.current.formatY,
      }),
    ],
    hooks: {
      setSelect: [(plot) => zoomToSelection(plot, shown.current.onZoom)],
      ready: [(plot) => plot.over.addEventListener('dblclick', () => shown.current.onReset?.())],
    },
  };
}

const logSplits = (_plot: uPlot, _axis: number, from: number, to: number): number[] => logTicks(from, to);

/** Labels closer to the one before than this would run into it, pixels. */
const LABEL_WIDTH = 42;

/** The sizes whose labels have room; null for the others. */
function apart(plot: uPlot, sizes: readonly number[]): (number | null)[] {
  let last = Number.NEGATIVE_INFINITY;
  return sizes.map((size) => {
    const at = plot.valToPos(size, 'x');
    if (at - last < LABEL_WIDTH) return null;
    last = at;
    return size;
  });
}

/** Every x of the lines, for an axis of few sizes. */
function sizesOf(drawn: readonly Drawn[]): number[] {
  return [...new Set(drawn.flatMap(({ curve }) => curve.x))].sort((a, b) => a - b);
}

/** Whether an element is on the screen or about to be, and whether it ever was. */
function useNear(host: { readonly current: HTMLElement | null }): readonly [boolean, boolean] {
  const [isNear, setNear] = useState(false);
  const wasNear = useRef(false);
  wasNear.current ||= isNear;
  useEffect(() => {
    const observer = new IntersectionObserver((entries) => setNear(entries.some((entry) => entry.isIntersecting)), {
      rootMargin: '150px',
    });
    observer.observe(host.current!);
    return () => observer.disconnect();
  }, []);
  return [isNear, wasNear.current];
}

/** Lines over a common axis, drawn while they are on the screen. Drag to zoom, double click or 0 to see all. */
export function CurveChart(props: CurveChartProps) {
  const { title, xLabel, curves, isLogY = false, isLogX = false, smoothing = 0, from, to } = props;
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const plotted = useRef<readonly Drawn[] | null>(null);
  const shown = useRef(props);
  shown.current = props;
  const [isNear, wasNear] = useNear(host);
  const theme = useColorTheme();
  const canShow = isRange(from, to, isLogX);
  const drawn = useMemo(() => linesOf(props), [curves, smoothing, from, to]);
  const shape = [
    theme,
    isLogX,
    isLogY,
    ...drawn.map(({ curve }) => `${curve.label} ${curve.colour} ${curve.style}`),
  ].join('\n');
  useEffect(() => {
    const element = host.current!;
    if (!wasNear || curves.length === 0 || !canShow) return;
    const chart = new uPlot(
      optionsOf(element, drawn, props, shown),
      dataOf(drawn, props, element.clientWidth),
      element,
    );
    plot.current = chart;
    plotted.current = drawn;
    element.dataset.drawn = String(curves.length);
    const observer = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
      plot.current = null;
    };
  }, [wasNear, shape, canShow]);
  useEffect(() => {
    if (!isNear || plotted.current === drawn) return;
    plotted.current = drawn;
    plot.current?.setData(dataOf(drawn, props, host.current!.clientWidth));
  }, [isNear, drawn]);
  return (
    <figure class="curve-chart">
      <figcaption>{title}</figcaption>
      <div
        ref={host}
        class="curve-chart-plot"
        data-points={curves.reduce((sum, { x }) => sum + x.length, 0)}
        role="img"
        tabIndex={props.onZoom ? 0 : undefined}
        aria-label={`${title} against ${xLabel}: ${labelsOf(curves)}`}
        onKeyDown={(event) => zoomByKey(event, props)}
      />
    </figure>
  );
}

function labelsOf(curves: readonly Curve[]): string {
  const named = curves
    .slice(0, 8)
    .map(({ label }) => label)
    .join(', ');
  return curves.length > 8 ? `${named} and ${curves.length - 8} more` : named;
}

/** + and - zoom about the middle, arrows move, 0 shows all. */
function zoomByKey(event: KeyboardEvent, { from, to, onZoom, onReset }: CurveChartProps): void {
  const width = to - from;
  const moves: Readonly<Record<string, readonly [number, number]>> = {
    '+': [from + width / 4, to - width / 4],
    '=': [from + width / 4, to - width / 4],
    '-': [from - width / 2, to + width / 2],
    ArrowLeft: [from - width / 4, to - width / 4],
    ArrowRight: [from + width / 4, to + width / 4],
  };
  const move = moves[event.key];
  if (event.ctrlKey || event.metaKey || event.altKey || (!move && event.key !== '0')) return;
  event.preventDefault();
  if (move) onZoom?.(Math.max(0, move[0]), move[1]);
  else onReset?.();
}
