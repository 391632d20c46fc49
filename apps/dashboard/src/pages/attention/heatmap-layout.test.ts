import { describe, expect, it } from 'vitest';
import { scaleColor, scaleShare } from './color-scale.ts';
import { cellAt, columnX, type HeatmapData, layoutHeatmap } from './heatmap-layout.ts';

const data: HeatmapData = {
  rows: ['a', 'b', 'c'],
  columns: ['a', 'b', 'c', 'L0', 'L1'],
  boundary: 3,
  weightAt: () => 0.5,
};

describe('layoutHeatmap', () => {
  it('finds each cell at its middle, and none in the gap between the parts', () => {
    const layout = layoutHeatmap(data, 400);
    for (let row = 0; row < 3; row++)
      for (let column = 0; column < 5; column++) {
        const x = columnX(layout, 3, column) + layout.cell / 2;
        expect(cellAt(data, layout, x, layout.top + (row + 0.5) * layout.cell)).toEqual({ row, column });
      }
    expect(cellAt(data, layout, columnX(layout, 3, 3) - layout.gap / 2, layout.top + 1)).toBeNull();
    expect(cellAt(data, layout, 1, 1)).toBeNull();
  });

  it('never draws a cell too small to see, however many there are', () => {
    const columns = Array.from({ length: 200 }, String);
    const layout = layoutHeatmap({ ...data, columns }, 300);
    expect(layout.cell).toBeGreaterThanOrEqual(7);
    expect(layout.width).toBeGreaterThan(300);
  });
});

describe('scaleColor', () => {
  it('is ordered by lightness in both themes', () => {
    const lightness = (share: number, theme: 'light' | 'dark'): number => {
      const [r, g, b] = scaleColor(share, theme).match(/\d+/g)!.map(Number);
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    for (let i = 0; i < 50; i++) {
      const [share, next] = [scaleShare(i / 50, 'root'), scaleShare((i + 1) / 50, 'root')];
      expect(lightness(next, 'light')).toBeLessThan(lightness(share, 'light'));
      expect(lightness(next, 'dark')).toBeGreaterThan(lightness(share, 'dark'));
    }
  });
});
