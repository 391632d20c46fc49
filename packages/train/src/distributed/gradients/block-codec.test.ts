import { describe, expect, it } from 'vitest';
import { addBlocks, BLOCK, type BlockCoding, blocksOf, encodeBlocks, wordsOfBlock } from './block-codec.ts';

/** Magnitudes from 1e-6 to 1e4, both signs; a block of zeros, one of tiny values, one that is not full. */
const LENGTH = 4 * BLOCK + 13;
const values = Float32Array.from({ length: LENGTH }, (_, i) => {
  if (i >= BLOCK && i < 2 * BLOCK) return 0;
  if (i >= 2 * BLOCK && i < 3 * BLOCK) return 1e-35 * Math.sin(i);
  return Math.sin(7 * i) * 10 ** ((i % 11) - 6);
});

function roundTrip(coding: BlockCoding, given: Float32Array): { decoded: Float32Array; left: Float32Array } {
  const left = given.slice();
  const words = new Uint32Array(wordsOfBlock(coding) * blocksOf(given.length)).fill(0xffffffff);
  encodeBlocks(coding, left, words);
  const decoded = new Float32Array(given.length);
  addBlocks(coding, words, decoded);
  return { decoded, left };
}

const largestOfBlock = (i: number): number =>
  Math.max(...values.subarray(Math.floor(i / BLOCK) * BLOCK, (Math.floor(i / BLOCK) + 1) * BLOCK).map(Math.abs));

describe('gradients in blocks', () => {
  it('f16: each value has 11 bits, down to 2^-39 of the largest of its block', () => {
    const { decoded } = roundTrip('f16', values);
    for (const [i, value] of values.entries()) {
      const allowed = Math.max(Math.abs(value) * 2 ** -11, largestOfBlock(i) * 2 ** -38.9);
      expect(Math.abs(decoded[i] - value)).toBeLessThanOrEqual(Math.abs(value) < 2 ** -111 ? Math.abs(value) : allowed);
    }
  });

  it('int8: each value is at most half a step off, and what is left out is what is missing', () => {
    const { decoded, left } = roundTrip('int8', values);
    for (const [i, value] of values.entries()) {
      expect(Math.abs(decoded[i] - value)).toBeLessThanOrEqual((largestOfBlock(i) / 254) * 1.0001 + 2 ** -111);
      expect(Math.abs(decoded[i] + left[i] - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -22);
    }
  });

  it.each(['f16', 'int8'] as const)('%s: a value that is not finite makes its block NaN and no other', (coding) => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const broken = values.slice();
      broken[5] = bad;
      const { decoded, left } = roundTrip(coding, broken);
      expect([...decoded.subarray(0, BLOCK)].every(Number.isNaN)).toBe(true);
      expect([...decoded.subarray(BLOCK)].every(Number.isFinite)).toBe(true);
      if (coding === 'int8') expect([...left.subarray(0, BLOCK)]).toEqual(new Array(BLOCK).fill(0));
    }
  });

  it.each(['f16', 'int8'] as const)('%s: adds to what is there', (coding) => {
    const { decoded } = roundTrip(coding, values);
    const words = new Uint32Array(wordsOfBlock(coding) * blocksOf(LENGTH));
    encodeBlocks(coding, values.slice(), words);
    const sum = new Float32Array(LENGTH).fill(2);
    addBlocks(coding, words, sum);
    expect(sum).toEqual(decoded.map((value) => Math.fround(2 + value)));
  });

  it('largest and smallest numbers of f32 stay in range', () => {
    const extremes = Float32Array.of(3.4e38, -3.4e38, 1e38, 1);
    for (const coding of ['f16', 'int8'] as const) {
      const { decoded } = roundTrip(coding, extremes);
      expect(decoded.every(Number.isFinite)).toBe(true);
      expect(decoded[0] / extremes[0]).toBeCloseTo(1, 2);
    }
  });
});
