import { describe, expect, it } from 'vitest';
import { codedBytes, type DeltaCodec, decodeDelta, encodeDelta } from './delta-codec.ts';

const LENGTH = 521;
const values = Float32Array.from({ length: LENGTH }, (_, i) => Math.sin(7 * i) * 10 ** ((i % 7) - 5));
const codec = (coding: DeltaCodec['coding'], topKShare = 0.1): DeltaCodec => ({ coding, topKShare });
const largestError = (a: ArrayLike<number>, b: ArrayLike<number>, of: (i: number) => number): number =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]) / of(i)), 0);

describe('changes of parameters as bytes', () => {
  it.each([
    ['f32', () => 1, 0],
    ['f16', (i: number) => Math.max(Math.abs(values[i]), 2 ** -14), 2 ** -11],
    // Half a step of the block's scale; the largest value is the scale's 127.
    ['int8', () => 10 / 127, 0.5001],
  ] as const)('%s: errors are those of its rounding', (coding, of, allowed) => {
    const bytes = encodeDelta(codec(coding), values, null);
    expect(bytes).toHaveLength(codedBytes(codec(coding), LENGTH));
    expect(largestError(decodeDelta(codec(coding), bytes, LENGTH), values, of)).toBeLessThanOrEqual(allowed);
  });

  it.each([0.001, 0.1, 1])('topk sends the largest %f of the values, of equal ones the first', (share) => {
    const some = Float32Array.from(values, (value, i) => (i % 5 === 0 ? -3 : value));
    const sent = decodeDelta(codec('topk', share), encodeDelta(codec('topk', share), some, null), LENGTH);
    const count = Math.max(1, Math.round(LENGTH * share));
    const order = [...some.keys()].sort((a, b) => Math.abs(some[b]) - Math.abs(some[a]) || a - b);
    const kept = new Set(order.slice(0, count));
    for (const [i, value] of some.entries()) {
      const isRight = kept.has(i) ? Math.abs(sent[i] - value) <= Math.abs(value) * 2 ** -11 + 2 ** -25 : sent[i] === 0;
      if (!isRight) throw new Error(`value ${i} is ${sent[i]}, it was ${value}`);
    }
  });

  it.each(['int8', 'topk'] as const)('%s: what it leaves out comes later, so that the sums of many agree', (coding) => {
    const residual = new Float32Array(LENGTH);
    const sums = new Float64Array(LENGTH);
    const rounds = 60;
    for (let round = 0; round < rounds; round++) {
      const sent = decodeDelta(codec(coding, 0.3), encodeDelta(codec(coding, 0.3), values, residual), LENGTH);
      for (let i = 0; i < LENGTH; i++) sums[i] += sent[i];
    }
    const missed = Array.from(sums, (sum, i) => Math.abs(sum + residual[i] - rounds * values[i]));
    expect(Math.max(...missed)).toBeLessThan(5e-3);
    expect(
      largestError(
        sums,
        values.map((value) => rounds * value),
        () => rounds * 10,
      ),
    ).toBeLessThan(0.1);
  });

  it('shows values that are not finite, in every coding; f16 keeps finite ones finite', () => {
    for (const coding of ['f32', 'f16', 'int8', 'topk'] as const) {
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
        const broken = values.slice();
        broken[300] = bad;
        const sent = decodeDelta(codec(coding), encodeDelta(codec(coding), broken, null), LENGTH);
        expect(sent.every(Number.isFinite)).toBe(false);
      }
    }
    const large = encodeDelta(codec('f16'), Float32Array.of(1e6, -1e30), null);
    expect([...decodeDelta(codec('f16'), large, 2)]).toEqual([65504, -65504]);
  });

  it('refuses bytes of another length, and codes zeros and nothing', () => {
    expect(() => decodeDelta(codec('f16'), new Uint8Array(7), 4)).toThrow(/4 values in f16 must be 8 B, got 7/);
    for (const coding of ['f32', 'f16', 'int8', 'topk'] as const) {
      const zeros = new Float32Array(5);
      expect(decodeDelta(codec(coding), encodeDelta(codec(coding), zeros, null), 5)).toEqual(zeros);
    }
  });
});
