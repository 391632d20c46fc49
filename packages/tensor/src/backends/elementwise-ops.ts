import type { CpuBinaryOp, CpuTernaryOp, CpuUnaryOp } from '@modajs/cpu';
import type { BinaryName, TernaryName, UnaryName } from '@modajs/cpu/reference';

// The names of `cpu` and `reference` together: a name that one of them lacks does not compile where its backend passes it on. That the
// shaders of `webgpu` have the same ones is a test's: `testing/elementwise-coverage.test.ts`.

/**
 * Elementwise operators by name. `gelu` is the tanh approximation (GPT-2's), `geluErf` the exact one.
 * `affine`: alpha * x + beta. `powScalar`: x^alpha. `clamp`: to [alpha, beta]. `softcap`: alpha * tanh(x / alpha).
 * `notFinite`: 1 where x is NaN or infinite.
 */
export type UnaryOp = CpuUnaryOp | UnaryName;

/**
 * `swiglu`: silu(a) * b. The `*Grad` forms take (x, dOut): `geluGrad` = gelu'(x) * dOut, and so on.
 * Integer dtypes support add sub mul div(truncating) maximum minimum and the comparisons.
 */
export type BinaryOp = CpuBinaryOp | BinaryName;

/**
 * `where`: a != 0 ? b : c. `swigluGradGate`: d/da silu(a)*b * dOut with (a, b, dOut). `multiplyAdd`: a * b + c.
 * (`swigluGradUp` is silu(a) * dOut, that is `swiglu` with b = dOut.)
 */
export type TernaryOp = CpuTernaryOp | TernaryName;
