import type { ColorTheme } from '../../shell/color-theme.ts';
import { type ScaleKind, scaleColor, scaleShare } from './color-scale.ts';
import { columnX, type HeatmapData, type HeatmapLayout, PART_TITLE } from './heatmap-layout.ts';

/** A cell of the matrix. */
export interface Cell {
  readonly row: number;
  readonly column: number;
}

/** How a matrix is drawn. */
export interface DrawOptions {
  readonly theme: ColorTheme;
  readonly scale: ScaleKind;
  /** Weight at the end of the scale. */
  readonly most: number;
  readonly active: Cell | null;
  readonly selected: Cell | null;
  /** Whether the cells are large enough to hold their numbers. */
  readonly showsNumbers: boolean;
}

/** Draws a matrix on a canvas, sharp on any screen. */
export function drawHeatmap(
  canvas: HTMLCanvasElement,
  data: HeatmapData,
  layout: HeatmapLayout,
  options: DrawOptions,
): void {
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(layout.width * ratio);
  canvas.height = Math.round(layout.height * ratio);
  const context = canvas.getContext('2d')!;
  context.scale(ratio, ratio);
  const style = getComputedStyle(canvas);
  const colors = {
    text: style.getPropertyValue('--text'),
    muted: style.getPropertyValue('--muted'),
    accent: style.getPropertyValue('--accent'),
  };
  drawCells(context, data, layout, options);
  drawLabels(context, data, layout, colors);
  if (data.boundary !== null && data.boundary < data.columns.length)
    drawBoundary(context, data.boundary, layout, colors.text);
  const frame = (cell: Cell, color: string, width: number): void => {
    context.strokeStyle = color;
    context.lineWidth = width;
    const x = columnX(layout, data.boundary, cell.column);
    context.strokeRect(x + 0.5, layout.top + cell.row * layout.cell + 0.5, layout.cell - 1, layout.cell - 1);
  };
  if (options.selected) frame(options.selected, colors.accent, 3);
  if (options.active) frame(options.active, colors.text, 2);
}

function drawCells(
  context: CanvasRenderingContext2D,
  data: HeatmapData,
  layout: HeatmapLayout,
  { theme, scale, most, showsNumbers }: DrawOptions,
): void {
  const { cell, top } = layout;
  const size = cell > 12 ? cell - 1 : cell - 0.5;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.font = '11px system-ui, sans-serif';
  for (let row = 0; row < data.rows.length; row++) {
    for (let column = 0; column < data.columns.length; column++) {
      const weight = data.weightAt(row, column);
      if (weight === null) continue;
      const share = scaleShare(weight / most, scale);
      const x = columnX(layout, data.boundary, column);
      context.fillStyle = scaleColor(share, theme);
      context.fillRect(x, top + row * cell, size, size);
      if (!showsNumbers) continue;
      const isOnDark = theme === 'light' ? share > 0.57 : share < 0.5;
      context.fillStyle = isOnDark ? '#ffffff' : '#0f1217';
      context.fillText(weight.toFixed(2).replace(/^0/, ''), x + size / 2, top + row * cell + size / 2);
    }
  }
}

function drawLabels(
  context: CanvasRenderingContext2D,
  { rows, columns, boundary, parts }: HeatmapData,
  layout: HeatmapLayout,
  { muted }: { readonly muted: string },
): void {
  const { cell, left, top, labelEvery } = layout;
  context.fillStyle = muted;
  context.font = '11px ui-monospace, "DejaVu Sans Mono", monospace';
  context.textBaseline = 'middle';
  context.textAlign = 'right';
  const shorten = (label: string): string => (label.length > 16 ? `${label.slice(0, 15)}…` : label);
  rows.forEach((label, row) => {
    if (row % labelEvery === 0) context.fillText(shorten(label), left - 6, top + (row + 0.5) * cell);
  });
  context.textAlign = 'left';
  if (parts && boundary !== null) {
    context.font = '600 12px system-ui, sans-serif';
    context.fillText(parts[0], left, PART_TITLE / 2);
    context.fillText(parts[1], columnX(layout, boundary, boundary), PART_TITLE / 2);
    context.font = '11px ui-monospace, "DejaVu Sans Mono", monospace';
  }
  columns.forEach((label, column) => {
    const fromBoundary = boundary !== null && column >= boundary ? column - boundary : column;
    if (fromBoundary % labelEvery !== 0) return;
    context.save();
    context.translate(columnX(layout, boundary, column) + cell / 2, top - 6);
    context.rotate(-Math.PI / 2);
    context.fillText(shorten(label), 0, 0);
    context.restore();
  });
}

function drawBoundary(context: CanvasRenderingContext2D, boundary: number, layout: HeatmapLayout, color: string): void {
  const x = columnX(layout, boundary, boundary) - layout.gap / 2 - 0.5;
  context.save();
  context.strokeStyle = color;
  context.lineWidth = 1.5;
  context.setLineDash([5, 4]);
  context.beginPath();
  context.moveTo(x, 4);
  context.lineTo(x, layout.height);
  context.stroke();
  context.restore();
}
