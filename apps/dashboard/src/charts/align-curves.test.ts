import { describe, expect, it } from 'vitest';
import { alignCurves } from './align-curves.ts';
import { smooth } from './smooth.ts';

const curve = (x: number[], y: (number | null)[], more = {}) => ({ label: '', colour: '', x, y, ...more });

describe('alignCurves', () => {
  it('joins few points exactly, with null where a curve has none', () => {
    const [x, a, b] = alignCurves([curve([1, 3], [5, 6]), curve([2, 3], [7, null])], 1, 3, 10);
    expect([x, a, b]).toEqual([
      [1, 2, 3],
      [5, null, 6],
      [null, 7, null],
    ]);
  });

  it('keeps the smallest and largest value of every column, in their order, both ends included', () => {
    const n = 20_000;
    const x = Array.from({ length: n }, (_, i) => i);
    const y: (number | null)[] = x.map((i) => Math.sin(i / 500));
    y[7777] = 50;
    y[7778] = -50;
    y[9] = null;
    const [grid, values] = alignCurves([curve(x, y)], 0, n - 1, 100);
    expect(grid).toHaveLength(200);
    const at = values.indexOf(50);
    expect(values[at + 1]).toBe(-50);
    expect(Math.abs(grid[at] - 7777)).toBeLessThan(n / 100);
    expect(values.at(-1) ?? values.at(-2)).not.toBeNull();
  });

  it('draws buckets by their extremes', () => {
    const [, values] = alignCurves([curve([0, 1], [2, 2], { low: [1, 2], high: [9, 2] })], 0, 1, 2);
    expect(values).toEqual([1, 9, 2, null]);
  });

  it('leaves out what lies outside the range', () => {
    const x = Array.from({ length: 10_000 }, (_, i) => i);
    const [, values] = alignCurves([curve(x, x, { low: x, high: x })], 100, 199, 10);
    expect([values[0], Math.max(...values.map((value) => value ?? 0))]).toEqual([100, 199]);
  });
});

describe('smooth', () => {
  it('leaves a constant constant, keeps gaps, and is between the values', () => {
    expect(smooth([0, 1, 2], [3, null, 3], 0.9, 2)).toEqual([3, null, 3]);
    const [, second] = smooth([0, 1], [0, 1], 0.99, 100) as number[];
    expect(second).toBeGreaterThan(0);
    expect(second).toBeLessThan(1);
  });

  it('does not depend on how densely the points lie', () => {
    const line = (n: number) => {
      const x = Array.from({ length: n + 1 }, (_, i) => i / n);
      return smooth(
        x,
        x.map((at) => (at < 0.5 ? 0 : 1)),
        0.99,
        1,
      ).at(-1)!;
    };
    expect(line(2000)).toBeCloseTo(line(1000), 2);
  });
});
