import { describe, expect, it } from 'vitest';
import { meanAndError, pairedDifference } from './paired-difference.ts';
import { studentTQuantile, studentTWithin } from './student-t.ts';

describe('Student’s t', () => {
  // Two-sided 95 % and 99 % points as printed in tables of the distribution.
  it.each([
    [0.95, 1, 12.706],
    [0.95, 2, 4.303],
    [0.95, 3, 3.182],
    [0.95, 4, 2.776],
    [0.95, 7, 2.365],
    [0.95, 30, 2.042],
    [0.99, 3, 5.841],
    [0.99, 10, 3.169],
  ])('has %d of its mass within [df=%d] %d', (level, df, point) => {
    expect(studentTQuantile(level, df)).toBeCloseTo(point, 3);
    expect(studentTWithin(point, df)).toBeCloseTo(level, 4);
  });

  it('has no mass within 0 and all of it within a far point', () => {
    for (const df of [1, 2, 3, 8])
      expect([studentTWithin(0, df), studentTWithin(1e9, df)]).toEqual([0, expect.closeTo(1, 6)]);
  });
});

describe('pairedDifference', () => {
  it('gives mean, error, interval and both p-values [n=4]', () => {
    // t = 2.5 / (1.29099 / 2) = 3.87298; p = 0.0304662 by R's t.test(c(1, 2, 3, 4)).
    const result = pairedDifference([1, 2, 3, 4])!;
    expect(result.mean).toBe(2.5);
    expect(result.standardError).toBeCloseTo(0.6454972, 7);
    expect(result.interval![0]).toBeCloseTo(0.4457397, 6);
    expect(result.interval![1]).toBeCloseTo(4.5542603, 6);
    expect(result.tPValue).toBeCloseTo(0.0304662, 6);
    expect(result.signFlipPValue).toBe(2 / 16);
  });

  it('counts sign patterns: a difference that cancels is no evidence', () => {
    expect(pairedDifference([1, -1])!.signFlipPValue).toBe(1);
    // Of 8 patterns, |sum| >= 4 for +-(3, 2, -1) and +-(3, 2, 1).
    expect(pairedDifference([3, 2, -1])!.signFlipPValue).toBe(4 / 8);
  });

  it('draws patterns when there are too many to count', () => {
    const clear = pairedDifference(Array.from({ length: 40 }, (_, i) => 1 + (i % 3)))!;
    expect(clear.signFlipPValue).toBeLessThan(0.001);
    const unclear = pairedDifference(Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? 1 : -1.01)))!;
    expect(unclear.signFlipPValue).toBeGreaterThan(0.5);
  });

  it('says what one pair, none, or equal pairs can say', () => {
    expect(pairedDifference([])).toBeNull();
    expect(pairedDifference([0.5])).toEqual({
      n: 1,
      mean: 0.5,
      standardError: null,
      interval: null,
      tPValue: null,
      signFlipPValue: null,
    });
    expect(pairedDifference([0.5, 0.5])).toMatchObject({ standardError: 0, tPValue: 0, interval: [0.5, 0.5] });
    expect(pairedDifference([0, 0])).toMatchObject({ tPValue: 1, signFlipPValue: 1 });
    expect(meanAndError([2])).toEqual({ mean: 2, standardError: null });
  });
});
