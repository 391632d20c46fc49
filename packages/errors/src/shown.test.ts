import { expect, it } from 'vitest';
import { SHOWN, shown } from './shown.ts';

it.each<[unknown, string]>([
  [null, 'null'],
  [undefined, 'undefined'],
  [NaN, 'NaN'],
  [-Infinity, '-Infinity'],
  [true, 'true'],
  [5n, '5n'],
  [Symbol('s'), 'Symbol(s)'],
  [Math.max, 'a function'],
  ['a\nb', '"a\\nb"'],
  [{ a: [1, 'x'], b: {} }, '{"a": [1, "x"], "b": {}}'],
  [Object.create(null), '{}'],
  [{ toString: '' }, '{"toString": ""}'],
  [Array.of(NaN, undefined, 2), '[NaN, undefined, 2]'],
  [Array(9).fill(0), '[0, 0, 0, 0, 0, 0, 0, 0, ..]'],
  [new Float32Array(9), 'a Float32Array'],
  [new Int8Array(9), 'an Int8Array'],
  [new (class {})(), 'an object'],
  [/a b/, 'a RegExp'],
  [
    new (class Own {
      [SHOWN] = () => 'Own(7)';
    })(),
    'Own(7)',
  ],
  [Object.create(Object.create(null)), 'an object'],
])('shown > writes %o', (value, text) => {
  expect(shown(value)).toBe(text);
});

it('shown > writes long and deep values in at most 120 characters', () => {
  expect(shown('x'.repeat(1e6))).toHaveLength(120);
  expect(shown(Array(8).fill('x'.repeat(1e6)))).toHaveLength(120);
  const self: unknown[] = [];
  self.push(self);
  expect(shown(self)).toBe('[[[[..]]]]');
  let deep: unknown = [];
  for (let i = 0; i < 100_000; i++) deep = [deep];
  expect(shown({ deep })).toBe('{"deep": [[[..]]]}');
});
