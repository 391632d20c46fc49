import { expect, it } from 'vitest';
import { resultOf, sortResults } from './best-held-out.ts';
import type { ShownRun } from './run-store.ts';

const run = (name: string, heldOutLoss: readonly (number | null)[]): ShownRun =>
  ({
    name,
    series: {
      step: heldOutLoss.map((_, i) => 10 * i),
      lastStep: 10 * heldOutLoss.length,
      fields: { heldOutLoss: { mean: heldOutLoss } },
    },
  }) as unknown as ShownRun;

const results = [
  run('b-2', [null, 3, 2, 2.5]),
  run('b-10', [1.5, Number.NaN]),
  run('a', [null]),
  { ...run('c', []), series: null },
].map(resultOf);

it('finds the smallest held-out loss and its step, and sorts runs without one last', () => {
  expect(results.map(({ best }) => best)).toEqual([{ loss: 2, step: 20 }, { loss: 1.5, step: 0 }, null, null]);
  const names = (key: 'title' | 'best', descending: boolean) =>
    sortResults(results, key, descending).map((result) => result.run.name);
  expect(names('best', false)).toEqual(['b-10', 'b-2', 'a', 'c']);
  expect(names('best', true)).toEqual(['b-2', 'b-10', 'a', 'c']);
  expect(names('title', false)).toEqual(['a', 'b-2', 'b-10', 'c']);
});
