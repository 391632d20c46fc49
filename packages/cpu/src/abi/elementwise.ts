//  * Every elementwise operator of this package, by number of arguments: the one list. From it follow the f64 references (a name without one
// does not compile), the codes that the kernels know operators by, and the constants of those codes in AssemblyScript
// (`scripts/generate.js`, which refuses a name that no kernel reads). The place in the list is the code.

/** Functions of one argument; `gelu` is the tanh approximation, `affine` alpha x + beta, `powScalar` x^alpha. */
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

/** Functions of two arguments; the `...Grad` forms take (x, dOut). */
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

/** `where`: a != 0 ? b : c. `swigluGradGate`: silu'(a) b c. `multiplyAdd`: a b + c. */
export const TERNARY_OPERATORS = ['where', 'swigluGradGate', 'multiplyAdd'] as const;
