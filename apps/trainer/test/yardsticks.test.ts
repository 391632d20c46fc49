import { describe, expect, it } from 'vitest';
import { yardsticks } from '../src/run/yardsticks.ts';

describe('yardsticks', () => {
  const sources = (trainBytes: number) => [
    { name: 'a', weight: 1, split: { train: ['the sea and the sky'], heldOut: ['the'], trainBytes, heldOutBytes: 3 } },
  ];

  it('are byte models of order 0 to 4, to 3 for a corpus, and none beyond 256 MiB', () => {
    expect(yardsticks(sources(19))).toHaveLength(5);
    expect(yardsticks(sources(87e6))).toHaveLength(4);
    expect(yardsticks(sources(300e6))).toEqual([]);
    for (const bits of yardsticks(sources(87e6))) expect(bits).toBeLessThan(8);
  });
});
