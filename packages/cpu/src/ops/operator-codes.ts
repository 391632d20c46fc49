import {
  BINARY_ADD,
  BINARY_DIV,
  BINARY_EQUAL,
  BINARY_GELU_ERF_GRAD,
  BINARY_GELU_GRAD,
  BINARY_GREATER,
  BINARY_GREATER_EQUAL,
  BINARY_LESS,
  BINARY_LESS_EQUAL,
  BINARY_MAXIMUM,
  BINARY_MINIMUM,
  BINARY_MUL,
  BINARY_NOT_EQUAL,
  BINARY_POW,
  BINARY_RELU_GRAD,
  BINARY_SIGMOID_GRAD_FROM_OUTPUT,
  BINARY_SILU_GRAD,
  BINARY_SUB,
  BINARY_SWIGLU,
  BINARY_TANH_GRAD_FROM_OUTPUT,
  REDUCE_MAX,
  REDUCE_MIN,
  REDUCE_SUM,
  REDUCE_SUM_SQUARES,
  TERNARY_MULTIPLY_ADD,
  TERNARY_SWIGLU_GRAD_GATE,
  TERNARY_WHERE,
  UNARY_ABS,
  UNARY_AFFINE,
  UNARY_CLAMP,
  UNARY_COS,
  UNARY_EXP,
  UNARY_FLOOR,
  UNARY_GELU,
  UNARY_GELU_ERF,
  UNARY_LOG,
  UNARY_NEG,
  UNARY_NOT_FINITE,
  UNARY_POW_SCALAR,
  UNARY_RECIPROCAL,
  UNARY_RELU,
  UNARY_RSQRT,
  UNARY_SIGMOID,
  UNARY_SIGN,
  UNARY_SILU,
  UNARY_SIN,
  UNARY_SOFTCAP,
  UNARY_SQRT,
  UNARY_SQUARE,
  UNARY_TANH,
} from '../abi/operators.ts';
import type { BinaryName, TernaryName, UnaryName } from '../reference/index.ts';

/** Functions of one argument, those of the f64 reference; `gelu` is the tanh approximation, `affine` alpha x + beta, `powScalar` x^alpha. */
export const UNARY_CODES = {
  neg: UNARY_NEG,
  abs: UNARY_ABS,
  sign: UNARY_SIGN,
  floor: UNARY_FLOOR,
  exp: UNARY_EXP,
  log: UNARY_LOG,
  sqrt: UNARY_SQRT,
  rsqrt: UNARY_RSQRT,
  reciprocal: UNARY_RECIPROCAL,
  square: UNARY_SQUARE,
  sin: UNARY_SIN,
  cos: UNARY_COS,
  tanh: UNARY_TANH,
  sigmoid: UNARY_SIGMOID,
  relu: UNARY_RELU,
  silu: UNARY_SILU,
  gelu: UNARY_GELU,
  geluErf: UNARY_GELU_ERF,
  affine: UNARY_AFFINE,
  powScalar: UNARY_POW_SCALAR,
  clamp: UNARY_CLAMP,
  notFinite: UNARY_NOT_FINITE,
  softcap: UNARY_SOFTCAP,
} as const satisfies Record<UnaryName, number>;

export type CpuUnaryOp = keyof typeof UNARY_CODES;

/** Functions of two arguments; the `...Grad` forms take (x, dOut). */
export const BINARY_CODES = {
  add: BINARY_ADD,
  sub: BINARY_SUB,
  mul: BINARY_MUL,
  div: BINARY_DIV,
  pow: BINARY_POW,
  maximum: BINARY_MAXIMUM,
  minimum: BINARY_MINIMUM,
  equal: BINARY_EQUAL,
  notEqual: BINARY_NOT_EQUAL,
  less: BINARY_LESS,
  lessEqual: BINARY_LESS_EQUAL,
  greater: BINARY_GREATER,
  greaterEqual: BINARY_GREATER_EQUAL,
  swiglu: BINARY_SWIGLU,
  siluGrad: BINARY_SILU_GRAD,
  geluGrad: BINARY_GELU_GRAD,
  geluErfGrad: BINARY_GELU_ERF_GRAD,
  reluGrad: BINARY_RELU_GRAD,
  tanhGradFromOutput: BINARY_TANH_GRAD_FROM_OUTPUT,
  sigmoidGradFromOutput: BINARY_SIGMOID_GRAD_FROM_OUTPUT,
} as const satisfies Record<BinaryName, number>;

export type CpuBinaryOp = keyof typeof BINARY_CODES;

/** `where`: a != 0 ? b : c. `swigluGradGate`: silu'(a) b c. `multiplyAdd`: a b + c. */
export const TERNARY_CODES = {
  where: TERNARY_WHERE,
  swigluGradGate: TERNARY_SWIGLU_GRAD_GATE,
  multiplyAdd: TERNARY_MULTIPLY_ADD,
} as const satisfies Record<TernaryName, number>;

export type CpuTernaryOp = keyof typeof TERNARY_CODES;

/** Reductions. */
export const REDUCE_CODES = {
  sum: REDUCE_SUM,
  max: REDUCE_MAX,
  min: REDUCE_MIN,
  sumSquares: REDUCE_SUM_SQUARES,
} as const;

export type CpuReduceOp = keyof typeof REDUCE_CODES;
