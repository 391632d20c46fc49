import { init, type Tensor, zeros } from '@modajs/tensor';
import { describe, expect, it } from 'vitest';
import { fragmentsDue, fragmentsOf } from './fragments.ts';

describe('fragments', () => {
  it('hold every parameter once, in about equal parts, none of them empty', async () => {
    using device = await init({ device: 'reference' });
    const sizes = [7, 13, 11, 2, 3, 17, 5, 19, 1];
    const params = Object.fromEntries(sizes.map((size, i): [string, Tensor] => [`p${i}`, zeros([size], { device })]));
    for (const count of [1, 2, 3, 5, 9, 40]) {
      const fragments = fragmentsOf(params, count);
      expect(fragments.flatMap(({ staged }) => staged.map(({ tensor }) => tensor.size))).toEqual(sizes);
      expect(fragments.map(({ index }) => index)).toEqual([...fragments.keys()]);
      for (const { length, staged } of fragments) {
        expect(length).toBe(staged.reduce((sum, { tensor }) => sum + tensor.size, 0));
        expect(length).toBeGreaterThan(0);
        expect(length).toBeLessThanOrEqual(78 / count + 19);
      }
    }
    expect(fragmentsOf({ one: params['p0'] }, 4)).toHaveLength(1);
  });

  it.each([
    [30, 3],
    [10, 4],
    [7, 3],
    [2, 5],
    [1, 1],
    [1, 3],
  ])('are each due once in %i steps, %i of them spread evenly', (every, count) => {
    const sent = Array.from({ length: every }, (_, i) => fragmentsDue(i + 1, every, count));
    expect(sent.flat().sort((a, b) => a - b)).toEqual([...Array(count).keys()]);
    expect(sent.at(-1)).toContain(count - 1);
    const most = Math.max(...sent.map(({ length }) => length));
    expect(most).toBeLessThanOrEqual(Math.ceil(count / every));
    expect(fragmentsDue(every + 1, every, count)).toEqual(sent[0]);
  });
});
