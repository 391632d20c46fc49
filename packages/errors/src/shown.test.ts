import { expect, it } from 'vitest';
import { shown } from './shown.ts';

it.each([
  [null, 'null'],
  [undefined, 'undefined'],
  ['a\nb', '"a\\nb"'],
  [{ a: [1] }, '{"a":[1]}'],
])('shown > prints %j as JSON', (value, text) => {
  expect(shown(value)).toBe(text);
});

it('shown > prints long and deep values in at most 120 characters', () => {
  expect(shown('x'.repeat(1e6))).toHaveLength(120);
  let deep: unknown = [];
  for (let i = 0; i < 100_000; i++) deep = [deep];
  expect(shown(deep)).toBe('a deeply nested list');
});
