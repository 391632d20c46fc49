import { useEffect, useRef, useState } from 'preact/hooks';
import { useColorTheme } from '../../shell/color-theme.ts';
import type { ScaleKind } from './color-scale.ts';
import { type Cell, drawHeatmap } from './draw-heatmap.ts';
import { cellAt, type HeatmapData, layoutHeatmap } from './heatmap-layout.ts';

interface HeatmapProps {
  readonly label: string;
  readonly data: HeatmapData;
  readonly scale: ScaleKind;
  /** Weight at the end of the colour scale, 1 by default. */
  readonly most?: number;
  readonly showsNumbers?: boolean;
  readonly selected?: Cell | null;
  /** What a cell says: read above the figure, and aloud when the keyboard moves to it. */
  readonly describe: (cell: Cell) => string;
  readonly onPick?: (cell: Cell) => void;
}

/** Where a key leads from a cell; null for keys that lead nowhere. */
function moved({ row, column }: Cell, key: string, rows: number, columns: number): Cell | null {
  const clamp = (value: number, size: number): number => Math.min(size - 1, Math.max(0, value));
  const to = (r: number, c: number): Cell => ({ row: clamp(r, rows), column: clamp(c, columns) });
  switch (key) {
    case 'ArrowUp':
      return to(row - 1, column);
    case 'ArrowDown':
      return to(row + 1, column);
    case 'ArrowLeft':
      return to(row, column - 1);
    case 'ArrowRight':
      return to(row, column + 1);
    case 'Home':
      return to(row, 0);
    case 'End':
      return to(row, columns - 1);
    case 'PageUp':
      return to(0, column);
    case 'PageDown':
      return to(rows - 1, column);
    default:
      return null;
  }
}

/** The cell pointed at, of these data and no others; at once for the next key, which may come before the next drawing. */
function useActiveCell(data: HeatmapData) {
  const place = useRef<{ readonly data: HeatmapData; readonly cell: Cell } | null>(null);
  const [, redraw] = useState(0);
  const active = {
    get current(): Cell | null {
      return place.current?.data === data ? place.current.cell : null;
    },
  };
  const setActive = (cell: Cell | null): void => {
    place.current = cell && { data, cell };
    redraw((count) => count + 1);
  };
  return [active, setActive] as const;
}

/** The width that an element has, pixels; `before` until it is measured. */
function useWidth(host: { readonly current: HTMLElement | null }, before: number): number {
  const [width, setWidth] = useState(before);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(entry.contentRect.width));
    observer.observe(host.current!);
    return () => observer.disconnect();
  }, [host]);
  return width;
}

/** A matrix of weights as colours; pointer and arrow keys name a cell, Enter or a click picks it. */
export function Heatmap(props: HeatmapProps) {
  const { label, data, scale, most = 1, showsNumbers = false, selected = null, describe, onPick } = props;
  const host = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const available = useWidth(host, 320);
  const [active, setActive] = useActiveCell(data);
  const [announced, setAnnounced] = useState('');
  const theme = useColorTheme();
  const layout = layoutHeatmap(data, available);
  useEffect(() => {
    drawHeatmap(canvas.current!, data, layout, { theme, scale, most, active: active.current, selected, showsNumbers });
  });
  const at = (event: PointerEvent): Cell | null => {
    const box = canvas.current!.getBoundingClientRect();
    return cellAt(data, layout, event.clientX - box.left, event.clientY - box.top);
  };
  const move = (event: KeyboardEvent): void => {
    const current = active.current;
    const from = current ?? selected ?? { row: 0, column: 0 };
    if ((event.key === 'Enter' || event.key === ' ') && onPick) {
      event.preventDefault();
      onPick(from);
      return;
    }
    const to = current ? moved(from, event.key, data.rows.length, data.columns.length) : from;
    if (to === null || !moved(from, event.key, 1, 1)) return;
    event.preventDefault();
    setActive(to);
    setAnnounced(describe(to));
  };
  const shown = active.current ?? selected;
  return (
    <div class="heatmap">
      <p class="readout">{shown ? describe(shown) : 'Point at a cell, or move to it with the arrow keys.'}</p>
      <div class="heatmap-scroll" ref={host}>
        {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: the canvas is a widget of its own; arrow keys move in it */}
        <canvas
          ref={canvas}
          tabIndex={0}
          role="application"
          aria-roledescription="heatmap"
          aria-label={`${label}. Arrow keys move from cell to cell${onPick ? ', Enter picks one' : ''}.`}
          style={{ width: `${layout.width}px`, height: `${layout.height}px`, cursor: onPick ? 'pointer' : 'crosshair' }}
          onPointerMove={(event) => setActive(at(event))}
          onPointerDown={(event) => setActive(at(event))}
          onPointerLeave={() => setActive(null)}
          onClick={(event) => {
            const cell = at(event as unknown as PointerEvent);
            if (cell && onPick) onPick(cell);
          }}
          onKeyDown={move}
          onBlur={() => setActive(null)}
        />
      </div>
      <p class="visually-hidden" role="status">
        {announced}
      </p>
    </div>
  );
}
