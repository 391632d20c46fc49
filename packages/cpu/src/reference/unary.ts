import { erf } from './erf.ts';
import type { Round } from './round.ts';

type Unary = (x: number, r: Round, alpha: number, beta: number) => number;

const sigmoid = (x: number, r: Round): number => {
  // exp of a non-positive number only, so that nothing overflows.
  const e = r(Math.exp(-Math.abs(x)));
  return x >= 0 ? r(1 / r(1 + e)) : r(e / r(1 + e));
};

/** 0.044715 and sqrt(2 / pi) are the constants of GPT-2's tanh approximation. */
const geluTanh = (x: number, r: Round): number => {
  const inner = r(r(Math.sqrt(2 / Math.PI)) * r(x + r(r(0.044715) * r(x * r(x * x)))));
  return r(r(0.5 * x) * r(1 + r(Math.tanh(inner))));
};

/**
 * Every elementwise operator of one argument, in f64: this table is the list of them. The codes that the kernels know operators by follow
 * from it (`scripts/generate.js`, which refuses a name that no kernel reads).
 */
const unary = {
  neg: (x) => -x,
  abs: (x) => Math.abs(x),
  sign: (x) => (Number.isNaN(x) ? 0 : Math.sign(x)),
  floor: (x) => Math.floor(x),
  exp: (x, r) => r(Math.exp(x)),
  log: (x, r) => r(Math.log(x)),
  sqrt: (x, r) => r(Math.sqrt(x)),
  rsqrt: (x, r) => r(1 / r(Math.sqrt(x))),
  reciprocal: (x, r) => r(1 / x),
  square: (x, r) => r(x * x),
  sin: (x, r) => r(Math.sin(x)),
  cos: (x, r) => r(Math.cos(x)),
  tanh: (x, r) => r(Math.tanh(x)),
  sigmoid,
  relu: (x) => Math.max(x, 0),
  silu: (x, r) => (x === -Infinity ? 0 : r(x * sigmoid(x, r))),
  gelu: geluTanh,
  geluErf: (x, r) => r(r(0.5 * x) * r(1 + r(erf(r(x * r(Math.SQRT1_2)))))),
  affine: (x, r, alpha, beta) => r(r(r(alpha) * x) + r(beta)),
  // A root is a root: of -Infinity it is NaN.
  powScalar: (x, r, alpha) => {
    if (alpha === 0.5) return r(Math.sqrt(x));
    return alpha === -0.5 ? r(1 / r(Math.sqrt(x))) : r(x ** alpha);
  },
  clamp: (x, r, alpha, beta) => (Number.isNaN(x) ? x : Math.min(Math.max(x, r(alpha)), r(beta))),
  notFinite: (x) => (Number.isFinite(x) ? 0 : 1),
  erf: (x, r) => r(erf(x)),
  expm1: (x, r) => r(Math.expm1(x)),
  softcap: (x, r, cap) => r(r(cap) * r(Math.tanh(r(x / r(cap))))),
} satisfies Record<string, Unary>;

/** Elementwise functions of one argument, by the names of the device contract. */
export type UnaryName = keyof typeof unary;

const integer = {
  neg: (x) => -x,
  abs: (x) => Math.abs(x),
  sign: (x) => Math.sign(x),
  floor: (x) => x,
  square: (x) => Math.imul(x, x),
  relu: (x) => Math.max(x, 0),
  affine: (x, _r, alpha, beta) => Math.imul(alpha, x) + beta,
  clamp: (x, _r, alpha, beta) => Math.min(Math.max(x, alpha), beta),
} satisfies Partial<Record<UnaryName, Unary>>;

/** As `unaryReference` for whole numbers, where the operator has a meaning; the caller wraps to 32 bits. */
export function integerUnaryReference(op: UnaryName, x: Float64Array, alpha = 0, beta = 0): Float64Array {
  const f: Unary = integer[op as keyof typeof integer];
  return x.map((value) => f(value, Math.trunc, alpha, beta));
}

/** All names, for tests that walk every operator. */
export const unaryNames = Object.keys(unary) as readonly UnaryName[];

/**
 * `op` at every element of `x`. `relu` passes NaN on; `gelu` is the tanh approximation, `geluErf` exact.
 * `alpha` and `beta` are the parameters of `affine` (alpha x + beta), `powScalar`, `clamp` and `softcap`.
 */
export function unaryReference(op: UnaryName, x: Float64Array, round: Round, alpha = 0, beta = 0): Float64Array {
  const f: Unary = unary[op];
  return x.map((value) => f(value, round, alpha, beta));
}
