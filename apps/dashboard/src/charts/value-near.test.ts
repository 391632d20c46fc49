import { expect, it } from 'vitest';
import { valueNear } from './value-near.ts';

const line = [null, null, 5, null, null, 8, null, null, null];

it('valueNear tells the nearest value between a line’s first and last, and nothing beyond them', () => {
  expect(line.map((_, at) => valueNear(line, at))).toEqual([null, 5, 5, 5, 8, 8, 8, null, null]);
  expect(valueNear([], 0)).toBeNull();
  expect(valueNear([null, null], 1)).toBeNull();
  expect(valueNear([1, ...new Array(100).fill(null), 2], 50)).toBeNull();
});
