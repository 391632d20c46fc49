import { DTYPE_NAMES, isFloat } from '../../core/dtype.ts';
import * as ops from '../../index.ts';
import * as unary from '../../ops/unary.ts';
import type { Call, CallTable } from './call.ts';
import { anyNumber, type Kind, positive, required, tensorOf, without } from './kinds.ts';

/** A tensor or a number; the other one is f32 `[2, 3]`. */
const operand: Kind = without(tensorOf([2, 3], { dtypes: ['f32'], isRankFixed: false }), 'a number');
const float = tensorOf([2, 3], { isRankFixed: false, fixed: [], hasNoOthers: true });
const number = tensorOf([2, 3], { dtypes: DTYPE_NAMES, isRankFixed: false, fixed: [], hasNoOthers: true });

const of = (run: Call['run'], ...args: Kind[]): Call => ({ run, args });

const { add, div, equal, greater, greaterEqual, less, lessEqual, maximum, minimum, mul, notEqual, sub } = ops;
const { abs, neg, sign, square, pow } = ops;
/** Those that integers have too. */
const UNARY = { abs, neg, sign, square };
/** Those that take numbers besides, below. */
const WITH_NUMBERS: readonly string[] = ['affine', 'clamp', 'softcap'];
/** Every other elementwise operator of one tensor. */
const FLOAT_UNARY: Readonly<Record<string, Call['run']>> = Object.fromEntries(
  (Object.entries(unary) as [string, Call['run']][]).filter(
    ([name]) => !Object.hasOwn(UNARY, name) && !WITH_NUMBERS.includes(name),
  ),
);
const BINARY = { add, div, equal, greater, greaterEqual, less, lessEqual, maximum, minimum, mul, notEqual, sub };

const each = (functions: Readonly<Record<string, Call['run']>>, call: (run: Call['run']) => Call): CallTable =>
  Object.fromEntries(Object.entries(functions).map(([name, run]) => [name, call(run)]));

export const elementwiseCalls: CallTable = {
  ...each(FLOAT_UNARY, (run) => of(run, float)),
  ...each(UNARY, (run) => of(run, number)),
  ...each({ ...BINARY, pow }, (run) => of(run, operand, operand)),
  affine: of(ops.affine, number, anyNumber(2), anyNumber(1)),
  softcap: of(ops.softcap, float, required(positive(2))),
  clamp: of(
    ops.clamp,
    number,
    { good: () => 0, wrong: { ...anyNumber(0).wrong, NaN: () => Number.NaN, 'above high': () => 2 } },
    { good: () => 1, wrong: { ...anyNumber(1).wrong, NaN: () => Number.NaN } },
  ),
  swiglu: of(
    ops.swiglu,
    tensorOf([2, 3], { dtypes: ['f32'], isRankFixed: false }),
    tensorOf([2, 3], { dtypes: ['f32'], isRankFixed: false }),
  ),
  where: of(ops.where, tensorOf([2, 3], { dtypes: DTYPE_NAMES, isRankFixed: false }), operand, operand),
};

/** Numbers beside integers: a fraction, or what 32 bits do not hold. */
const integers = (run: Call['run']): Call => ({
  run,
  args: [
    without(
      tensorOf([2, 3], { dtypes: ['i32', 'u32'], isRankFixed: false, fixed: [], hasNoOthers: true }),
      ...DTYPE_NAMES.filter(isFloat).map((dtype) => `an ${dtype} tensor`),
    ),
    {
      good: () => 2,
      wrong: {
        'a fraction': () => 0.5,
        NaN: () => Number.NaN,
        Infinity: () => Infinity,
        'below i32': () => -(2 ** 31) - 1,
        'above i32': () => 2 ** 31,
      },
    },
  ],
});

/** Calls of exports in a second form: `name with integers`. */
export const integerCalls: CallTable = Object.fromEntries(
  Object.entries(BINARY).map(([name, run]) => [`${name} of integers`, integers(run)]),
);
