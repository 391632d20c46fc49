// Codes of element types and elementwise operators, read by TypeScript and by AssemblyScript.

export const DTYPE_F32 = 0;
export const DTYPE_F16 = 1;
export const DTYPE_I32 = 2;
export const DTYPE_U32 = 3;
export const DTYPE_BF16 = 4;

export const UNARY_NEG = 0;
export const UNARY_ABS = 1;
export const UNARY_SIGN = 2;
export const UNARY_FLOOR = 3;
export const UNARY_EXP = 4;
export const UNARY_LOG = 5;
export const UNARY_SQRT = 6;
export const UNARY_RSQRT = 7;
export const UNARY_RECIPROCAL = 8;
export const UNARY_SQUARE = 9;
export const UNARY_SIN = 10;
export const UNARY_COS = 11;
export const UNARY_TANH = 12;
export const UNARY_SIGMOID = 13;
export const UNARY_RELU = 14;
export const UNARY_SILU = 15;
export const UNARY_GELU = 16;
export const UNARY_GELU_ERF = 17;
export const UNARY_AFFINE = 18;
export const UNARY_POW_SCALAR = 19;
export const UNARY_CLAMP = 20;
export const UNARY_NOT_FINITE = 21;
export const UNARY_SOFTCAP = 22;

export const BINARY_ADD = 0;
export const BINARY_SUB = 1;
export const BINARY_MUL = 2;
export const BINARY_DIV = 3;
export const BINARY_POW = 4;
export const BINARY_MAXIMUM = 5;
export const BINARY_MINIMUM = 6;
export const BINARY_EQUAL = 7;
export const BINARY_NOT_EQUAL = 8;
export const BINARY_LESS = 9;
export const BINARY_LESS_EQUAL = 10;
export const BINARY_GREATER = 11;
export const BINARY_GREATER_EQUAL = 12;
export const BINARY_SWIGLU = 13;
export const BINARY_SILU_GRAD = 14;
export const BINARY_GELU_GRAD = 15;
export const BINARY_GELU_ERF_GRAD = 16;
export const BINARY_RELU_GRAD = 17;
export const BINARY_TANH_GRAD_FROM_OUTPUT = 18;
export const BINARY_SIGMOID_GRAD_FROM_OUTPUT = 19;

export const TERNARY_WHERE = 0;
export const TERNARY_SWIGLU_GRAD_GATE = 1;
export const TERNARY_MULTIPLY_ADD = 2;

export const REDUCE_SUM = 0;
export const REDUCE_MAX = 1;
export const REDUCE_MIN = 2;
export const REDUCE_SUM_SQUARES = 3;
