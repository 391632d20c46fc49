import { erf } from './erf.ts';
import type { Round } from './round.ts';
import { unaryReference } from './unary.ts';

type Binary = (a: number, b: number, r: Round) => number;

const one = new Float64Array(1);
const apply = (op: 'silu' | 'sigmoid', x: number, r: Round): number => {
  one[0] = x;
  return unaryReference(op, one, r)[0];
};

/** silu'(x) = s (1 + x (1 - s)) with s = sigmoid(x). */
export const siluSlope = (x: number, r: Round): number => {
  if (x === -Infinity) return 0;
  const s = apply('sigmoid', x, r);
  return r(s * r(1 + r(x * r(1 - s))));
};

const geluSlope = (x: number, r: Round): number => {
  const c = r(Math.sqrt(2 / Math.PI));
  const x2 = r(x * x);
  const t = r(Math.tanh(r(c * r(x + r(r(0.044715) * r(x * x2))))));
  const dInner = r(c * r(1 + r(r(3 * 0.044715) * x2)));
  return r(r(0.5 * r(1 + t)) + r(r(r(0.5 * x) * r(1 - r(t * t))) * dInner));
};

const geluErfSlope = (x: number, r: Round): number => {
  const cdf = r(0.5 * r(1 + r(erf(r(x * r(Math.SQRT1_2))))));
  const pdf = r(r(Math.exp(r(-0.5 * r(x * x)))) * r(1 / Math.sqrt(2 * Math.PI)));
  return r(cdf + r(x * pdf));
};

/** Every elementwise operator of two arguments, as `unary` of one. Of `maximum` and `minimum` NaN wins, as in IEEE's. */
const binary = {
  add: (a, b, r) => r(a + b),
  sub: (a, b, r) => r(a - b),
  mul: (a, b, r) => r(a * b),
  div: (a, b, r) => r(a / b),
  // C's rules where JavaScript has others: 1 to any power is 1, -1 to an infinite one too.
  pow: (a, b, r) => (a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : r(a ** b)),
  maximum: (a, b) => Math.max(a, b),
  minimum: (a, b) => Math.min(a, b),
  equal: (a, b) => Number(a === b),
  notEqual: (a, b) => Number(a !== b),
  less: (a, b) => Number(a < b),
  lessEqual: (a, b) => Number(a <= b),
  greater: (a, b) => Number(a > b),
  greaterEqual: (a, b) => Number(a >= b),
  swiglu: (a, b, r) => r(apply('silu', a, r) * b),
  siluGrad: (x, dOut, r) => r(siluSlope(x, r) * dOut),
  geluGrad: (x, dOut, r) => r(geluSlope(x, r) * dOut),
  geluErfGrad: (x, dOut, r) => r(geluErfSlope(x, r) * dOut),
  reluGrad: (x, dOut) => (x <= 0 ? 0 : dOut),
  tanhGradFromOutput: (y, dOut, r) => r(r(1 - r(y * y)) * dOut),
  sigmoidGradFromOutput: (y, dOut, r) => r(r(y * r(1 - y)) * dOut),
} satisfies Record<string, Binary>;

/** a^b modulo 2^32; a negative exponent gives 1 / a^-b, truncated. */
function integerPower(a: number, b: number): number {
  if (b < 0) return a === 1 || (a === -1 && b % 2 === 0) ? 1 : a === -1 ? -1 : 0;
  let result = 1;
  for (let factor = a, rest = b; rest > 0; rest = Math.floor(rest / 2), factor = Math.imul(factor, factor)) {
    if (rest % 2 === 1) result = Math.imul(result, factor);
  }
  return result;
}

const integer = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => Math.imul(a, b),
  div: (a, b) => (b === 0 ? 0 : Math.trunc(a / b)),
  pow: integerPower,
  maximum: (a, b) => Math.max(a, b),
  minimum: (a, b) => Math.min(a, b),
} satisfies Partial<Record<BinaryName, (a: number, b: number) => number>>;

/** Elementwise functions of two arguments, by the names of the device contract. */
export type BinaryName = keyof typeof binary;

/** All names, for tests that walk every operator. */
export const binaryNames = Object.keys(binary) as readonly BinaryName[];

/** `op` at every pair of elements; comparisons give 0 or 1. The `*Grad` forms take (x, dOut) or (output, dOut). */
export function binaryReference(op: BinaryName, a: Float64Array, b: Float64Array, round: Round): Float64Array {
  const f: Binary = binary[op];
  return a.map((value, i) => f(value, b[i], round));
}

/** As `binaryReference` for whole numbers; division truncates (by zero gives 0) and the caller wraps to 32 bits. */
export function integerBinaryReference(op: BinaryName, a: Float64Array, b: Float64Array): Float64Array {
  const f = op in integer ? integer[op as keyof typeof integer] : binary[op];
  return a.map((value, i) => (f as Binary)(value, b[i], Math.trunc));
}
