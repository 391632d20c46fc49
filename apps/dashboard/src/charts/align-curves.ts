import type { Curve } from './curve.ts';

/** Curves over one axis: `[x, y of curve 0, y of curve 1, ...]`, null where a curve has no value. */
export type AlignedCurves = [number[], ...(number | null)[][]];

/** Up to so many different x the curves are drawn point by point. */
const MAX_EXACT = 4000;
/** And up to so many values in all. */
const MAX_VALUES = 60_000;

/**
 * Brings curves with different x to one axis. Few points stay as they are. Many are drawn in `columns` columns of the
 * screen: of each curve and column the smallest and the largest value stay, so nothing that could be seen is lost.
 */
export function alignCurves(curves: readonly Curve[], from: number, to: number, columns: number): AlignedCurves {
  const points = curves.reduce((sum, { x }) => sum + x.length, 0);
  if (points <= MAX_EXACT || points * curves.length <= MAX_VALUES) {
    const exact = exactly(curves);
    if (exact !== null) return exact;
  }
  return inColumns(curves, from, to, columns);
}

function exactly(curves: readonly Curve[]): AlignedCurves | null {
  if (curves.some(({ low }) => low)) return null;
  const x = [...new Set(curves.flatMap((curve) => curve.x))].sort((a, b) => a - b);
  if (x.length > MAX_EXACT) return null;
  const at = new Map(x.map((value, i) => [value, i]));
  const ys = curves.map((curve) => {
    const y: (number | null)[] = new Array(x.length).fill(null);
    curve.x.forEach((value, i) => {
      y[at.get(value)!] = curve.y[i];
    });
    return y;
  });
  return [x, ...ys];
}

function inColumns(curves: readonly Curve[], from: number, to: number, columns: number): AlignedCurves {
  const width = (to - from) / columns || 1;
  const x = Array.from({ length: 2 * columns }, (_, i) => from + ((i >> 1) + (i & 1 ? 0.75 : 0.25)) * width);
  return [x, ...curves.map((curve) => columnsOf(curve, from, width, columns))];
}

/** Two values a column, the one that comes first first; one when there is one. */
function columnsOf(
  { x, y, low = y, high = y }: Curve,
  from: number,
  width: number,
  columns: number,
): (number | null)[] {
  const values: (number | null)[] = new Array(2 * columns).fill(null);
  let column = -1;
  let [lowest, highest, lowestAt, highestAt] = [0, 0, 0, 0];
  const close = (): void => {
    if (column < 0 || column >= columns) return;
    values[2 * column] = lowestAt <= highestAt ? lowest : highest;
    if (lowest !== highest) values[2 * column + 1] = lowestAt <= highestAt ? highest : lowest;
  };
  for (let i = 0; i < x.length; i++) {
    const [below, above] = [low[i], high[i]];
    if (below === null || above === null) continue;
    const own = Math.min(columns, Math.max(-1, Math.floor((x[i] - from) / width)));
    // The last point lies on the edge of the last column.
    const place = own === columns && x[i] <= from + width * columns * (1 + 1e-9) ? columns - 1 : own;
    if (place !== column) {
      close();
      column = place;
      [lowest, highest, lowestAt, highestAt] = [below, above, i, i];
      continue;
    }
    if (below < lowest) [lowest, lowestAt] = [below, i];
    if (above > highest) [highest, highestAt] = [above, i];
  }
  close();
  return values;
}
