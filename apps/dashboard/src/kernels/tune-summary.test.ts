import type { TuneOutcome } from '@modajs/bench';
import { describe, expect, it } from 'vitest';
import { tuneSummary } from './tune-summary.ts';

const outcome = (defaultMs: number | null, bestMs: number, isBetter = true): TuneOutcome => ({
  shapeClass: 'few',
  defaultMs,
  bestMs,
  config: isBetter ? { kind: 'naive' } : null,
  rejected: [],
});
const rejected = [{ id: 'tune/few/1', reason: 'wrong' }];

describe('tuneSummary', () => {
  it('says how many beat the default and by how much', () => {
    const outcomes = [outcome(10, 5), outcome(10, 9), outcome(10, 8), outcome(10, 10, false)];
    expect(tuneSummary(outcomes)).toBe(
      '3 of 4 classes of shapes beat the default, by 10 % to 50 % of its time, 20 % in the middle.',
    );
    expect(tuneSummary([outcome(4, 3)])).toBe('1 of 1 class of shapes beats the default, by 25 % of its time.');
  });

  it('names no gain over a default that could not be measured', () => {
    expect(tuneSummary([outcome(null, 3)])).toBe('1 of 1 class of shapes beats the default.');
  });

  it('says when nothing is faster, and what was rejected', () => {
    expect(tuneSummary([{ ...outcome(10, 10, false), rejected }])).toBe(
      'The default is the fastest in 1 class of shapes. 1 candidate was wrong or refused, and is not used.',
    );
    expect(tuneSummary([])).toBe('No class of shapes was finished.');
  });
});
