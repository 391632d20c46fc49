import { describe, expect, it } from 'vitest';
import { logTicks } from './log-ticks.ts';

describe('logTicks', () => {
  it('are 1 to 9 times the powers of ten in the range', () => {
    expect(logTicks(0.8, 30)).toEqual([0.8, 0.9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30]);
    expect(logTicks(2.1, 2.9)).toEqual([]);
  });

  it('end, whatever the axis starts at', () => {
    // Each of these starts just below a power of ten, where ticks that add up rounded steps stand still.
    for (const from of [0.0951, 0.00971, 0.000981, 9.7e-17, 9.9e-30, 5e-324])
      expect(logTicks(from, from * 40).length).toBeLessThanOrEqual(27);
    expect(logTicks(5e-324, Number.MAX_VALUE).length).toBeLessThanOrEqual(9 * 640);
    expect(logTicks(0.0951, 0.31)).toEqual([0.1, 0.2, 0.3]);
  });

  it.each([
    [0, 1],
    [-1, 1],
    [2, 1],
    [1, Number.POSITIVE_INFINITY],
    [Number.NaN, 1],
    [1, Number.NaN],
  ])('are none from %d to %d', (from, to) => {
    expect(logTicks(from, to)).toEqual([]);
  });
});
