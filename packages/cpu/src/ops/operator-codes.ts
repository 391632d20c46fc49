import { REDUCE_MAX, REDUCE_MIN, REDUCE_SUM, REDUCE_SUM_SQUARES } from '../abi/operators.ts';
import * as constants from '../generated/operators.ts';

/** `powScalar` of `POW_SCALAR`. */
type CamelCase<Name extends string> = Name extends `${infer First}_${infer Rest}`
  ? `${Lowercase<First>}${Capitalize<CamelCase<Rest>>}`
  : Lowercase<Name>;

type Codes<Family extends string> = {
  readonly [Name in keyof typeof constants as Name extends `${Family}_${infer Rest}` ? CamelCase<Rest> : never]: number;
};

/** The codes of a family of generated constants by the operators' names. */
function codesOf<Family extends string>(family: Family): Codes<Family> {
  const own = Object.entries(constants).filter(([name]) => name.startsWith(`${family}_`));
  return Object.fromEntries(
    own.map(([name, code]) => [
      name
        .slice(family.length + 1)
        .toLowerCase()
        .replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      code,
    ]),
  ) as Codes<Family>;
}

export const UNARY_CODES = codesOf('UNARY');
export const BINARY_CODES = codesOf('BINARY');
export const TERNARY_CODES = codesOf('TERNARY');

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
