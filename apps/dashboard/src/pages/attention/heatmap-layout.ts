/** A matrix of weights to draw, in one or two parts side by side. */
export interface HeatmapData {
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** First column of the second part; null when there is one part. */
  readonly boundary: number | null;
  /** What stands above the two parts. */
  readonly parts?: readonly [string, string];
  /** A weight, or null where there is nothing to see (a key after its query). */
  readonly weightAt: (row: number, column: number) => number | null;
}

/** Where cells and labels stand on the canvas, in CSS pixels. */
export interface HeatmapLayout {
  readonly cell: number;
  readonly left: number;
  readonly top: number;
  /** Space between the two parts, with the dashed line in its middle. */
  readonly gap: number;
  readonly width: number;
  readonly height: number;
  /** Labels are drawn at every so many rows and columns. */
  readonly labelEvery: number;
}

const MIN_CELL = 7;
const MAX_CELL = 34;
/** A figure that does not fit a screen's height is not seen as one. */
const MAX_HEIGHT = 760;
const LABEL = 12;
const CHARACTER = 6.6;
const MARGIN = 8;
/** Height of the titles above two parts. */
export const PART_TITLE = 20;

/** Pixels that the longest of some labels takes. */
function extent(labels: readonly string[]): number {
  return Math.min(110, Math.max(0, ...labels.map(({ length }) => length)) * CHARACTER) + MARGIN;
}

/** Cells as large as the available width and a screen's height allow; narrower screens scroll. */
export function layoutHeatmap({ rows, columns, boundary, parts }: HeatmapData, available: number): HeatmapLayout {
  const left = extent(rows);
  const top = extent(columns) + (parts ? PART_TITLE : 0);
  const gap = boundary === null ? 0 : 18;
  const room = (available - left - gap - 1) / Math.max(1, columns.length);
  const most = Math.min(MAX_CELL, MAX_HEIGHT / Math.max(1, rows.length));
  const cell = Math.floor(Math.max(MIN_CELL, Math.min(most, room)));
  return {
    cell,
    left,
    top,
    gap,
    width: left + cell * columns.length + gap + 1,
    height: top + cell * rows.length + 1,
    labelEvery: Math.ceil(LABEL / cell),
  };
}

/** Left edge of a column. */
export function columnX(layout: HeatmapLayout, boundary: number | null, column: number): number {
  return layout.left + column * layout.cell + (boundary !== null && column >= boundary ? layout.gap : 0);
}

/** The cell at a point; null beside the cells. */
export function cellAt(
  data: HeatmapData,
  layout: HeatmapLayout,
  x: number,
  y: number,
): { readonly row: number; readonly column: number } | null {
  const row = Math.floor((y - layout.top) / layout.cell);
  if (row < 0 || row >= data.rows.length) return null;
  for (let column = 0; column < data.columns.length; column++) {
    const start = columnX(layout, data.boundary, column);
    if (x >= start && x < start + layout.cell) return { row, column };
  }
  return null;
}
