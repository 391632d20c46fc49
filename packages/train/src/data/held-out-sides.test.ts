import { describe, expect, it } from 'vitest';
import { heldOutSides } from './held-out-sides.ts';

describe('heldOutSides', () => {
  const at = (...places: number[]) => places.map((place) => Math.floor(place * 2 ** 32));

  it('holds out the hashes below the share, whatever the order', () => {
    expect(Array.from(heldOutSides(at(0.09, 0.5, 0.01, 0.11), 0.1))).toEqual([1, 0, 1, 0]);
    expect(Array.from(heldOutSides(at(0.11, 0.01, 0.5, 0.09), 0.1))).toEqual([0, 1, 0, 1]);
  });

  it('leaves neither side of a small source empty and keeps copies together', () => {
    expect(Array.from(heldOutSides(at(0.7, 0.3, 0.9, 0.3), 0.1))).toEqual([0, 1, 0, 1]);
    expect(Array.from(heldOutSides(at(0.1, 0.2, 0.2), 0.5))).toEqual([1, 0, 0]);
  });

  it('holds nothing out at share 0, of one document, of copies of one, and of none', () => {
    expect(Array.from(heldOutSides(at(0.01, 0.5), 0))).toEqual([0, 0]);
    expect(Array.from(heldOutSides(at(0.01), 0.5))).toEqual([0]);
    expect(Array.from(heldOutSides(at(0.01, 0.01), 0.5))).toEqual([0, 0]);
    expect(heldOutSides([], 0.5)).toHaveLength(0);
  });
});
