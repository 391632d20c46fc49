import { DataError } from '@modajs/tensor';
import { describe, expect, it } from 'vitest';
import { SequenceOrder } from './sequence-order.ts';
import { tokensInMemory } from './token-source.ts';

const source = (name: string, length: number, weight = 1) => ({
  source: tokensInMemory(name, new Int32Array(length)),
  weight,
});

describe('SequenceOrder', () => {
  it('visits each sequence of an epoch once and moves the borders between epochs', () => {
    const order = new SequenceOrder([source('a', 103)], 5, 11, true);
    const perEpoch = 19;
    const { places } = order.draw(order.start(), 2 * perEpoch);
    const first = places.slice(0, perEpoch).map((p) => p.start);
    const second = places.slice(perEpoch).map((p) => p.start);
    expect(new Set(first).size).toBe(perEpoch);
    expect(new Set(first.map((s) => s % 5)).size).toBe(1);
    expect(Math.max(...first, ...second) + 6).toBeLessThanOrEqual(103);
    expect(first).not.toEqual([...first].sort((a, b) => a - b));
    expect(second).not.toEqual(first);
  });

  it.each([true, false])('makes every token but the first a target in some epoch [shuffle=%s]', (shuffle) => {
    for (const T of [1, 2, 3, 5, 8, 13]) {
      const lengths = new Set([
        T + 1,
        T + 2,
        2 * T,
        2 * T + 1,
        2 * T + 2,
        3 * T,
        3 * T + 1,
        3 * T + 2,
        4 * T + 3,
        24,
        97,
      ]);
      for (const length of [...lengths].filter((count) => count > T)) {
        for (const seed of [0, 1, 2, 7]) {
          const order = new SequenceOrder([source('a', length)], T, seed, shuffle);
          const epoch = Math.round(1 / order.epochs({ drawn: 1, bySource: [1] })[0]);
          const targets = (epochs: number) => {
            const { places } = order.draw(order.start(), epochs * epoch);
            return new Set(places.flatMap(({ start }) => Array.from({ length: T }, (_, i) => start + 1 + i)));
          };
          const all = Array.from({ length: length - 1 }, (_, i) => i + 1);
          const case_ = `T=${T} length=${length} seed=${seed}`;
          expect(
            [...targets(2 * T)].sort((a, b) => a - b),
            case_,
          ).toEqual(all);
          if (length > 3 * T || !shuffle) expect(targets(2).size, case_).toBe(length - 1);
        }
      }
    }
  });

  it('misses none of the 8 and 104 last tokens that were never targets', () => {
    for (const [T, length] of [
      [8, 24],
      [128, 1000],
    ]) {
      const order = new SequenceOrder([source('a', length)], T, 1, true);
      const { places } = order.draw(order.start(), 2 * T);
      const targets = new Set(places.flatMap(({ start }) => Array.from({ length: T }, (_, i) => start + 1 + i)));
      expect(targets.size).toBe(length - 1);
    }
  });

  it('draws the same places in one go and in parts', () => {
    const order = new SequenceOrder([source('a', 103, 3), source('b', 57, 2)], 5, 11, true);
    const whole = order.draw(order.start(), 23);
    const part = order.draw(order.start(), 10);
    const rest = order.draw(part.next, 13);
    expect([...part.places, ...rest.places]).toEqual(whole.places);
    expect(rest.next).toEqual(whole.next);
  });

  it('keeps mixture shares exact to within one sequence', () => {
    const order = new SequenceOrder([source('a', 103, 3), source('b', 57, 2), source('c', 31, 1)], 5, 1, true);
    for (const drawn of [1, 7, 60, 601]) {
      const { next } = order.draw(order.start(), drawn);
      for (const [i, weight] of [3, 2, 1].entries()) {
        expect(Math.abs(next.bySource[i] - (drawn * weight) / 6)).toBeLessThanOrEqual(1);
      }
    }
  });

  it('reads in order without shuffling', () => {
    const order = new SequenceOrder([source('a', 16)], 5, 1, false);
    expect(order.draw(order.start(), 4).places.map((p) => p.start)).toEqual([0, 5, 10, 0]);
  });

  it('takes a source of exactly one sequence and refuses a shorter one', () => {
    const order = new SequenceOrder([source('a', 6)], 5, 1, true);
    expect(order.draw(order.start(), 2).places.map((p) => p.start)).toEqual([0, 0]);
    expect(() => new SequenceOrder([source('short', 5)], 5, 1, true)).toThrow(DataError);
    expect(() => new SequenceOrder([source('short', 5)], 5, 1, true)).toThrow('sequence of 6 tokens, got 5');
  });

  it('asks for as many sequences as a batch holds, over all sources', () => {
    const order = new SequenceOrder([source('a', 16), source('b', 11)], 5, 1, true);
    order.requireBatch(5);
    expect(() => order.requireBatch(6)).toThrow('at least one batch of 6 sequences of 5 tokens, got 5');
  });
});
