import { describe, expect, it } from 'vitest';
import { formatValues } from './format-values.ts';

/** What PyTorch 1.13 prints for the same values, without `tensor(` and `)`. */
const PRINTED: [string, number[], number[], boolean, string][] = [
  ['a number', [], [3], true, '3.'],
  ['a row of whole floats', [3], [1, -2, 3], true, '[ 1., -2.,  3.]'],
  ['a row of integers', [4], [1, -2, 300, 4], false, '[  1,  -2, 300,   4]'],
  ['fractions', [2, 2], [0.5, 1.25, -3, 4], true, '[[ 0.5000,  1.2500],\n [-3.0000,  4.0000]]'],
  ['sizes far apart', [2], [1e-3, 1500.5], true, '[1.0000e-03, 1.5005e+03]'],
  ['not a number and infinities', [3], [Number.NaN, 1.5, Number.NEGATIVE_INFINITY], true, '[   nan, 1.5000,   -inf]'],
  ['matrices', [2, 1, 2], [1, 2, 3, 4], false, '[[[1, 2]],\n\n [[3, 4]]]'],
  ['nothing', [0], [], true, '[]'],
  ['rows of nothing', [2, 0], [], true, '[[],\n []]'],
];

/** `toExponential` writes one digit of the exponent where PyTorch writes two. */
const twoDigits = (text: string): string => text.replace(/e([+-])(\d)\b/g, 'e$10$2');

describe('formatValues', () => {
  it.each(PRINTED)('prints %s as PyTorch does', (_, shape, values, isFloat, printed) => {
    const strides = shape.map((_extent, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
    const text = formatValues(
      shape,
      (index) => values[index.reduce((sum, i, axis) => sum + i * strides[axis], 0)],
      isFloat,
    );
    expect(twoDigits(text)).toBe(printed);
  });

  it('shows the ends of long axes, and asks for no other value', () => {
    let asked = 0;
    const at = ([i, j]: readonly number[]): number => {
      asked++;
      return 10_000 * i + j;
    };
    expect(formatValues([500, 2000], at, false)).toBe(
      [
        '[[      0,       1,       2, ...,    1997,    1998,    1999],',
        ' [  10000,   10001,   10002, ...,   11997,   11998,   11999],',
        ' [  20000,   20001,   20002, ...,   21997,   21998,   21999],',
        ' ...,',
        ' [4970000, 4970001, 4970002, ..., 4971997, 4971998, 4971999],',
        ' [4980000, 4980001, 4980002, ..., 4981997, 4981998, 4981999],',
        ' [4990000, 4990001, 4990002, ..., 4991997, 4991998, 4991999]]',
      ].join('\n'),
    );
    expect(asked).toBe(36);
  });

  it('breaks rows at 80 columns', () => {
    const lines = formatValues([30], ([i]) => i / 7, true).split('\n');
    expect(lines.length).toBe(3);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
  });
});
