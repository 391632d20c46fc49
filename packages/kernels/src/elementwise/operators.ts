/** Numbers that the shaders know operators by: `OP` of `unary.wgsl`, `binary.wgsl` and `ternary.wgsl`, in order. */
export const UNARY_OPERATORS = [
  'neg',
  'abs',
  'sign',
  'floor',
  'exp',
  'log',
  'sqrt',
  'rsqrt',
  'reciprocal',
  'square',
  'sin',
  'cos',
  'tanh',
  'sigmoid',
  'relu',
  'silu',
  'gelu',
  'geluErf',
  'affine',
  'powScalar',
  'clamp',
  'notFinite',
  'softcap',
  'erf',
] as const;

export const BINARY_OPERATORS = [
  'add',
  'sub',
  'mul',
  'div',
  'pow',
  'maximum',
  'minimum',
  'equal',
  'notEqual',
  'less',
  'lessEqual',
  'greater',
  'greaterEqual',
  'swiglu',
  'siluGrad',
  'geluGrad',
  'geluErfGrad',
  'reluGrad',
  'tanhGradFromOutput',
  'sigmoidGradFromOutput',
] as const;

export const TERNARY_OPERATORS = ['where', 'swigluGradGate', 'multiplyAdd'] as const;

/** `OP` of `integer.wgsl`. */
export const INTEGER_OPERATORS: Readonly<Record<string, number>> = {
  neg: 0,
  abs: 1,
  sign: 2,
  square: 3,
  relu: 4,
  affine: 5,
  clamp: 6,
  floor: 7,
  add: 20,
  sub: 21,
  mul: 22,
  div: 23,
  pow: 24,
  maximum: 25,
  minimum: 26,
  equal: 27,
  notEqual: 28,
  less: 29,
  lessEqual: 30,
  greater: 31,
  greaterEqual: 32,
  where: 40,
  multiplyAdd: 41,
};

export type UnaryOperator = (typeof UNARY_OPERATORS)[number];
export type BinaryOperator = (typeof BINARY_OPERATORS)[number];
export type TernaryOperator = (typeof TERNARY_OPERATORS)[number];
export type ElementwiseOperator = UnaryOperator | BinaryOperator | TernaryOperator;
