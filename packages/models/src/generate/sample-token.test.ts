import { ConfigError, DataError } from '@modajs/tensor';
import { describe, expect, it } from 'vitest';
import { sampleToken } from './sample-token.ts';
import { completeSampling, type SamplingOptions } from './sampling-options.ts';

// Probabilities 0.4, 0.3, 0.2, 0.1 at ids 2, 0, 3, 1.
const logits = [0.3, 0.1, 0.4, 0.2].map(Math.log);
const choose = (uniform: number, options: SamplingOptions, seen: number[] = []) =>
  sampleToken(logits, seen, uniform, completeSampling(options)).id;
/** Ids that some uniform number can reach. */
const reachable = (options: SamplingOptions) =>
  [...new Set(Array.from({ length: 1000 }, (_, i) => choose(i / 1000, options)))].sort();

describe('sampleToken', () => {
  it('draws ids by their probability, in ascending order', () => {
    expect([0, 0.299, 0.301, 0.399, 0.401, 0.799, 0.801, 0.999].map((u) => choose(u, {}))).toEqual([
      0, 0, 1, 1, 2, 2, 3, 3,
    ]);
  });
  it('keeps the lowest ids of equals at the edge of top-k', () => {
    const equal = Array.from(
      { length: 50 },
      (_, i) => sampleToken([1, 2, 1, 1], [], i / 50, completeSampling({ topK: 3 })).id,
    );
    expect([...new Set(equal)]).toEqual([0, 1, 2]);
  });
  it('takes the most probable token at temperature 0, the first of equals', () => {
    expect(choose(0.99, { temperature: 0 })).toBe(2);
    expect(sampleToken([1, 1], [], 0.9, completeSampling({ temperature: 0 })).id).toBe(0);
  });
  it('keeps k tokens with top-k, the nucleus with top-p, a share of the best with min-p', () => {
    expect(reachable({ topK: 2 })).toEqual([0, 2]);
    expect(reachable({ topP: 0.65 })).toEqual([0, 2]);
    expect(reachable({ topP: 0.71 })).toEqual([0, 2, 3]);
    expect(reachable({ minP: 0.45 })).toEqual([0, 2, 3]);
    expect(reachable({ topP: 0.001 })).toEqual([2]);
  });
  it('chooses only ids below the vocabulary given, with the log-probability among all', () => {
    expect(reachable({ vocabSize: 2 })).toEqual([0, 1]);
    expect(choose(0.99, { vocabSize: 2, temperature: 0 })).toBe(0);
    expect(choose(1 - 2 ** -53, { vocabSize: 2 })).toBe(1);
    expect(sampleToken(logits, [2], 0, completeSampling({ vocabSize: 2 })).logProb).toBeCloseTo(Math.log(0.3), 12);
    expect(() => completeSampling({ vocabSize: 0 })).toThrow('vocabSize must be a whole number > 0, got 0');
  });
  it('weakens seen tokens by the repetition penalty', () => {
    expect(choose(0, { temperature: 0, repetitionPenalty: 2 }, [2])).toBe(0);
    expect(sampleToken([3, 2], [0], 0, completeSampling({ temperature: 0, repetitionPenalty: 2 })).id).toBe(1);
  });
  it('gives the log-probability of the model, whatever the filters', () => {
    expect(sampleToken(logits, [], 0, completeSampling({ topK: 1, temperature: 3 })).logProb).toBeCloseTo(
      Math.log(0.4),
    );
  });
  it('refuses NaN logits and options out of range', () => {
    expect(() => sampleToken([0, NaN], [], 0, completeSampling({}))).toThrow(DataError);
    for (const options of [{ topP: 0 }, { topK: -1 }, { temperature: -1 }, { minP: 2 }, { repetitionPenalty: 0 }]) {
      expect(() => completeSampling(options)).toThrow(ConfigError);
    }
  });
});
