import { expect, it } from 'vitest';
import { runTitle } from './run-title.ts';

it.each([
  ['final-pre.moda-optimizer.lr=0.004,seed=1', 'final-pre.moda · rate 0.004 · seed 1'],
  ['a-mechanism/sweep-pre.residual-optimizer.lr=0.002,seed=1', 'a-mechanism/sweep-pre.residual · rate 0.002 · seed 1'],
  ['seed=3', 'seed 3'],
  ['tiny', 'tiny'],
  ['study/moda-1', 'study/moda-1'],
  ['a=b=c', 'a=b=c'],
])('%s is %s to a reader', (name, title) => {
  expect(runTitle(name)).toBe(title);
});
