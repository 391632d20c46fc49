import { describe, expect, test } from 'vitest';
import { DocumentHash, documentHash } from './document-hash.ts';

describe('documentHash', () => {
  test('does not depend on how the text is cut into parts, nor on white space', () => {
    const text = 'The white whale — swam 7 miles.\nAnd dived. 😀';
    for (let cut = 0; cut <= text.length; cut++) {
      expect(new DocumentHash().add(text.slice(0, cut)).add(text.slice(cut)).value).toBe(documentHash(text));
    }
    expect(documentHash(`${text.replaceAll('\n', '\r\n')}\n`)).toBe(documentHash(text));
  });

  test('tells documents apart and spreads numbered ones evenly', () => {
    const hashes = Array.from({ length: 20_011 }, (_, i) => documentHash(`document ${i}`));
    // Two of 20,011 agree with a probability of 5 %; this fixed list has none.
    expect(new Set(hashes).size).toBe(20_011);
    for (const share of [0.02, 0.1, 0.5]) {
      const below = hashes.filter((hash) => hash < share * 2 ** 32).length / hashes.length;
      // Three standard deviations of a fair draw.
      expect(Math.abs(below - share)).toBeLessThan(3 * Math.sqrt((share * (1 - share)) / hashes.length));
    }
  });
});
