import { studentTQuantile, studentTWithin } from './student-t.ts';

/** Means are compared at this level. */
const LEVEL = 0.95;
/** All sign patterns of up to so many differences are counted; of more, as many are drawn. */
const EXACT_UP_TO = 16;

/** What differences of paired runs say about the mean difference. What one pair cannot say is null. */
export interface PairedDifference {
  /** Pairs. */
  readonly n: number;
  readonly mean: number;
  /** Standard error of the mean. */
  readonly standardError: number | null;
  /** 95 % confidence interval of the mean, by Student's t with n - 1 degrees of freedom. */
  readonly interval: readonly [number, number] | null;
  /** Two-sided p-value of Student's paired t-test. */
  readonly tPValue: number | null;
  /**
   * Two-sided p-value of the sign-flip (permutation) test: the share of sign patterns whose mean is at least as far from 0.
   * It cannot be below 2 / 2^n: 0.125 for four pairs.
   */
  readonly signFlipPValue: number | null;
}

/** Statistics of the differences, one for each pair; null for none. */
export function pairedDifference(differences: readonly number[]): PairedDifference | null {
  const n = differences.length;
  if (n === 0) return null;
  const { mean, standardError } = meanAndError(differences);
  if (standardError === null) {
    return { n, mean, standardError, interval: null, tPValue: null, signFlipPValue: null };
  }
  const reach = studentTQuantile(LEVEL, n - 1) * standardError;
  return {
    n,
    mean,
    standardError,
    interval: [mean - reach, mean + reach],
    tPValue: standardError === 0 ? Number(mean === 0) : 1 - studentTWithin(Math.abs(mean) / standardError, n - 1),
    signFlipPValue: signFlipPValue(differences),
  };
}

/** Mean and standard error of the mean; the error of one value is null. */
export function meanAndError(values: readonly number[]): { mean: number; standardError: number | null } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 2) return { mean, standardError: null };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, standardError: Math.sqrt(variance / values.length) };
}

function signFlipPValue(differences: readonly number[]): number {
  const n = differences.length;
  const observed = Math.abs(differences.reduce((sum, value) => sum + value, 0));
  // Sums that are equal but for rounding count as equal.
  const limit = observed - 1e-12 * differences.reduce((sum, value) => sum + Math.abs(value), 0);
  const patterns = 2 ** Math.min(n, EXACT_UP_TO);
  let state = 1;
  let count = 0;
  for (let pattern = 0; pattern < patterns; pattern++) {
    let sum = 0;
    for (let i = 0; i < n; i++) {
      if (i % 32 === 0 && n > EXACT_UP_TO && pattern > 0) state = xorshift(state);
      const bits = n > EXACT_UP_TO ? (pattern === 0 ? 0 : state) : pattern;
      sum += (bits >>> (i % 32)) & 1 ? -differences[i] : differences[i];
    }
    if (Math.abs(sum) >= limit) count++;
  }
  return count / patterns;
}

function xorshift(state: number): number {
  let next = state ^ (state << 13);
  next ^= next >>> 17;
  return (next ^ (next << 5)) >>> 0;
}
