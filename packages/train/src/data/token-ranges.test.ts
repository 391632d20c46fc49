import { describe, expect, it } from 'vitest';
import { tokenRanges } from './token-ranges.ts';
import { tokensInMemory } from './token-source.ts';

describe('tokenRanges', () => {
  const all = tokensInMemory(
    'count',
    Int32Array.from({ length: 31 }, (_, i) => i),
  );
  const ranges = [
    { start: 3, end: 5 },
    { start: 5, end: 5 },
    { start: 11, end: 12 },
    { start: 20, end: 31 },
  ];
  const expected = [3, 4, 11, ...Array.from({ length: 11 }, (_, i) => 20 + i)];

  it('reads any run over their borders', async () => {
    const source = tokenRanges('some', all, ranges);
    expect(source.length).toBe(expected.length);
    for (let start = 0; start < expected.length; start++) {
      for (let count = 1; start + count <= expected.length; count++) {
        expect(Array.from(await source.read(start, count))).toEqual(expected.slice(start, start + count));
      }
    }
  });
});
