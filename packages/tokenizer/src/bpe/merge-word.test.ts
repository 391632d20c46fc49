import { RandomText } from '@modajs/vitest/random-text';
import { describe, expect, test } from 'vitest';
import { MergeTable } from './merge-table.ts';
import { WordMerger } from './merge-word.ts';

/** The rule itself: the lowest rank, of equals the leftmost, until no pair has one. */
function mergeNaively(merges: MergeTable, ids: number[]): number[] {
  while (true) {
    let best = -1;
    for (let i = 0; i + 1 < ids.length; i++) {
      const found = merges.find(ids[i] as number, ids[i + 1] as number);
      if (found < 0) continue;
      const held = best < 0 ? -1 : merges.find(ids[best] as number, ids[best + 1] as number);
      if (best < 0 || merges.rankAt(found) < merges.rankAt(held)) best = i;
    }
    if (best < 0) return ids;
    ids.splice(best, 2, merges.mergedAt(merges.find(ids[best] as number, ids[best + 1] as number)));
  }
}

describe('WordMerger', () => {
  // 5 symbols; rules over them and over what they make, some of equal rank.
  const merges = new MergeTable(40);
  const random = new RandomText(5);
  for (let rank = 0; rank < 40; rank++)
    merges.set(random.integer(5 + rank), random.integer(5 + rank), rank >> 1, 5 + rank);

  test.each([0, 1, 2, 3, 17, 62, 63, 64, 65, 67, 131, 1009])('equals the rule on words of %i symbols', (count) => {
    const merger = new WordMerger(merges);
    for (let round = 0; round < 20; round++) {
      const symbols = Array.from({ length: count }, () => random.integer(5));
      const ids = Int32Array.from(symbols);
      const lengths = new Int32Array(count).fill(1);
      const left = merger.merge(ids, lengths, count);
      expect(Array.from(ids.subarray(0, left))).toEqual(mergeNaively(merges, symbols));
      expect(lengths.subarray(0, left).reduce((sum, length) => sum + length, 0)).toBe(count);
    }
  });
});
