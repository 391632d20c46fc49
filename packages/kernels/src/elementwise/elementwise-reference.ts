import type { ElementwiseOperator } from './operators.ts';

/** 1 - erf(x) by its continued fraction, erf by its series: good to 1e-15. */
function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  if (x < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-18; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const silu = (x: number) => (x === Number.NEGATIVE_INFINITY ? 0 : x * sigmoid(x));
const siluSlope = (x: number) => sigmoid(x) * (1 + x * (1 - sigmoid(x)));
const GELU = Math.sqrt(2 / Math.PI);
const geluTanh = (x: number) => Math.tanh(GELU * (x + 0.044715 * x ** 3));
const geluSlope = (x: number) =>
  0.5 * (1 + geluTanh(x)) + 0.5 * x * (1 - geluTanh(x) ** 2) * GELU * (1 + 3 * 0.044715 * x * x);
const normalDensity = (x: number) => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);

type Operator = (a: number, b: number, c: number, alpha: number, beta: number) => number;

/** Every elementwise operator in f64: `f(a, b, c, alpha, beta)`; operators of fewer inputs ignore the rest. */
export const elementwiseReference: Readonly<Record<ElementwiseOperator, Operator>> = {
  neg: (x) => -x,
  abs: Math.abs,
  sign: (x) => (Number.isNaN(x) ? 0 : Math.sign(x)),
  floor: Math.floor,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  rsqrt: (x) => 1 / Math.sqrt(x),
  reciprocal: (x) => 1 / x,
  square: (x) => x * x,
  sin: Math.sin,
  cos: Math.cos,
  tanh: Math.tanh,
  sigmoid,
  relu: (x) => Math.max(0, x),
  silu,
  gelu: (x) => 0.5 * x * (1 + geluTanh(x)),
  geluErf: (x) => 0.5 * x * erfc(-x * Math.SQRT1_2),
  affine: (x, _b, _c, alpha, beta) => alpha * x + beta,
  powScalar: (x, _b, _c, alpha) => x ** alpha,
  clamp: (x, _b, _c, alpha, beta) => Math.min(Math.max(x, alpha), beta),
  notFinite: (x) => (Number.isFinite(x) ? 0 : 1),
  erf: (x) => 1 - erfc(x),
  softcap: (x, _b, _c, cap) => cap * Math.tanh(x / cap),
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  pow: (a, b) => (a === 1 ? 1 : a ** b),
  maximum: (a, b) => Math.max(a, b),
  minimum: (a, b) => Math.min(a, b),
  equal: (a, b) => Number(a === b),
  notEqual: (a, b) => Number(a !== b),
  less: (a, b) => Number(a < b),
  lessEqual: (a, b) => Number(a <= b),
  greater: (a, b) => Number(a > b),
  greaterEqual: (a, b) => Number(a >= b),
  swiglu: (a, b) => silu(a) * b,
  siluGrad: (x, dOut) => siluSlope(x) * dOut,
  geluGrad: (x, dOut) => geluSlope(x) * dOut,
  geluErfGrad: (x, dOut) => (0.5 * erfc(-x * Math.SQRT1_2) + x * normalDensity(x)) * dOut,
  reluGrad: (x, dOut) => (x <= 0 ? 0 : dOut),
  tanhGradFromOutput: (y, dOut) => (1 - y * y) * dOut,
  sigmoidGradFromOutput: (y, dOut) => y * (1 - y) * dOut,
  where: (a, b, c) => (a !== 0 ? b : c),
  swigluGradGate: (a, b, dOut) => siluSlope(a) * b * dOut,
  multiplyAdd: (a, b, c) => a * b + c,
};
