import { BINARY_OPERATORS, TERNARY_OPERATORS, UNARY_OPERATORS } from '../abi/elementwise.ts';
import { REDUCE_MAX, REDUCE_MIN, REDUCE_SUM, REDUCE_SUM_SQUARES } from '../abi/operators.ts';

/** The place of each name. */
function codesOf<Name extends string>(names: readonly Name[]): Readonly<Record<Name, number>> {
  return Object.fromEntries(names.map((name, code) => [name, code])) as Record<Name, number>;
}

export const UNARY_CODES = codesOf(UNARY_OPERATORS);
export const BINARY_CODES = codesOf(BINARY_OPERATORS);
export const TERNARY_CODES = codesOf(TERNARY_OPERATORS);

export type CpuUnaryOp = keyof typeof UNARY_CODES;
export type CpuBinaryOp = keyof typeof BINARY_CODES;
export type CpuTernaryOp = keyof typeof TERNARY_CODES;

/** Reductions. */
export const REDUCE_CODES = {
  sum: REDUCE_SUM,
  max: REDUCE_MAX,
  min: REDUCE_MIN,
  sumSquares: REDUCE_SUM_SQUARES,
} as const;

export type CpuReduceOp = keyof typeof REDUCE_CODES;
