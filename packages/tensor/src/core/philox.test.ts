import { describe, expect, it } from 'vitest';
import { normalAt, philox, uniformAt } from './philox.ts';

describe('philox', () => {
  // Known answers of the Random123 distribution (kat_vectors, philox4x32 10): zero counter and key.
  it('gives the published words for counter 0 and key 0', () => {
    expect(philox(0, 0).map((word) => word.toString(16))).toEqual(['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']);
  });

  // 24 bits of each published word, and those of the next block: an element is a word of its seed's own stream.
  it('gives the elements of the stream of its seed, in order', () => {
    const published = [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8];
    expect([0, 1, 2, 3].map((i) => uniformAt(i, 0))).toEqual(published.map((word) => (word >>> 8) * 2 ** -24));
    expect([4, 5, 6, 7].map((i) => uniformAt(i, 9))).toEqual(philox(1, 9).map((word) => (word >>> 8) * 2 ** -24));
    const [first, second] = published.map((word) => (word >>> 8) * 2 ** -24);
    const radius = Math.sqrt(-2 * Math.log(first + 2 ** -25));
    expect(normalAt(0, 0)).toBeCloseTo(radius * Math.cos(2 * Math.PI * second), 12);
    expect(normalAt(1, 0)).toBeCloseTo(radius * Math.sin(2 * Math.PI * second), 12);
  });

  it('gives uniforms with mean 1/2 and variance 1/12, normals with mean 0 and variance 1', () => {
    const moments = (at: (i: number, seed: number) => number) => {
      const n = 20000;
      let sum = 0;
      let squares = 0;
      for (let i = 0; i < n; i++) {
        const x = at(i, 7);
        sum += x;
        squares += x * x;
      }
      return [sum / n, squares / n - (sum / n) ** 2];
    };
    const [uniformMean, uniformVariance] = moments(uniformAt);
    expect(uniformMean).toBeCloseTo(0.5, 1);
    expect(uniformVariance).toBeCloseTo(1 / 12, 2);
    const [normalMean, normalVariance] = moments(normalAt);
    expect(Math.abs(normalMean)).toBeLessThan(0.03);
    expect(Math.abs(normalVariance - 1)).toBeLessThan(0.04);
  });
});
