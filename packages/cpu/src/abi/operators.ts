// Codes of element types and reductions, read by TypeScript and by AssemblyScript. Those of elementwise operators follow from elementwise.ts.

export const DTYPE_F32 = 0;
export const DTYPE_F16 = 1;
export const DTYPE_I32 = 2;
export const DTYPE_U32 = 3;
export const DTYPE_BF16 = 4;

export const REDUCE_SUM = 0;
export const REDUCE_MAX = 1;
export const REDUCE_MIN = 2;
export const REDUCE_SUM_SQUARES = 3;
