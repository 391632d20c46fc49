import { expect, it } from 'vitest';
import { latest, median } from './training-numbers.ts';

const rows = [9, 1, Number.NaN, 5, Number.POSITIVE_INFINITY].map((speed, step) => ({ step, speed }));

it('median takes the middle of the finite values, latest the last of them; neither invents one', () => {
  expect(median(rows, 'speed')).toBe(5);
  expect(median(rows.slice(0, 2), 'speed')).toBe(5);
  expect(
    median(
      [
        { step: 1, speed: 3 },
        { step: 2, speed: 4 },
      ],
      'speed',
    ),
  ).toBe(3.5);
  expect(latest(rows, 'speed')).toBe(5);
  expect([median(rows, 'loss'), latest(rows, 'loss'), median([], 'speed')]).toEqual([undefined, undefined, undefined]);
});
