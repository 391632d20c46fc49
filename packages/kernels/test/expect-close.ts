import { expect } from 'vitest';
import { fromHalf, storedArray, storedValue } from '../src/testing/half.ts';
import type { OperandArray } from '../src/testing/run-plan.ts';

/** Rounds a number to what a dtype can hold; the truth rounds nothing. */
export type Round = (value: number) => number;

export const exact: Round = (value) => value;
export const ROUNDS: Readonly<Record<'f32' | 'f16', Round>> = {
  f32: Math.fround,
  f16: (value) => storedValue('f16', value),
};
/** Error allowed where the naive computation happens to have none, relative to the largest value. */
const FLOORS = { f32: 2 ** -21, f16: 2 ** -10 };

/** Numbers as a device buffer of a dtype. */
export function deviceArray(values: ArrayLike<number>, dtype: 'f32' | 'f16'): OperandArray {
  return storedArray(dtype, values);
}

/** A device buffer's numbers. */
export function hostNumbers(data: OperandArray): number[] {
  return data instanceof Uint16Array ? Array.from(fromHalf(data)) : Array.from(data);
}

/**
 * The tolerance rule: the error against f64 is at most twice that of the naive computation of the same formula in the
 * same dtype, plus a floor. NaN and infinities must be in the same places.
 */
export function expectClose(
  actual: ArrayLike<number>,
  truth: ArrayLike<number>,
  naive: ArrayLike<number>,
  dtype: 'f32' | 'f16' = 'f32',
): void {
  expect(actual.length).toBe(truth.length);
  let scale = 0;
  let naiveError = 0;
  for (let i = 0; i < truth.length; i++) {
    if (!Number.isFinite(truth[i])) continue;
    scale = Math.max(scale, Math.abs(truth[i]));
    naiveError = Math.max(naiveError, Math.abs(naive[i] - truth[i]) || 0);
  }
  const allowed = 2 * naiveError + FLOORS[dtype] * scale;
  for (let i = 0; i < truth.length; i++) {
    const isSame = Object.is(actual[i], truth[i]) || actual[i] === truth[i];
    if (!isSame && !(Math.abs(actual[i] - truth[i]) <= allowed)) {
      expect.fail(`element ${i} is ${actual[i]}, must be ${truth[i]} within ${allowed}`);
    }
  }
}
