import { record } from '../core/autograd.ts';
import { isFloat } from '../core/dtype.ts';
import { DTypeError } from '../core/errors.ts';
import { livingTensor, type Tensor } from '../core/tensor.ts';
import { isNumber, numberThat } from '../core/value-checks.ts';
import { castFor, INTEGER_RANGES, numberFits } from './creation.ts';
import { runBinary, runUnary, unary } from './run-elementwise.ts';

// Elementwise functions of one tensor with their gradients, all of them public: what is exported here is exported by the package, and
// tested on every device (`testing/cases/elementwise-cases.ts`).

/** scale * x + shift with numbers; integers wrap. @throws DTypeError for numbers that x's integer dtype does not hold */
export function affine(x: Tensor, scale: number, shift: number): Tensor {
  livingTensor('affine', 'x', x);
  isNumber('affine', 'scale', scale);
  isNumber('affine', 'shift', shift);
  if (!isFloat(x.dtype) && !(Number.isInteger(scale) && Number.isInteger(shift))) {
    throw new DTypeError(
      `affine: scale and shift must be whole for ${x.dtype}, got ${scale} and ${shift}. ${castFor('x', x.dtype)}`,
      { scale, shift, dtype: x.dtype },
    );
  }
  const out = runUnary('affine', x, scale, shift);
  record([out], [x], [], ([dOut]) => [scale === 1 ? dOut : affine(dOut!, scale, 0)]);
  return out;
}

export const neg = (x: Tensor): Tensor => unary('neg', x, 'none', (dOut) => neg(dOut));
export const abs = (x: Tensor): Tensor =>
  unary('abs', x, 'x', (dOut, sx) => runBinary('mul', dOut, runUnary('sign', sx)));
/** -1, 0 or 1, and 0 at NaN; gradient 0. */
export const sign = (x: Tensor): Tensor => runUnary('sign', x);
export const floor = (x: Tensor): Tensor => runUnary('floor', x);
export const exp = (x: Tensor): Tensor => unary('exp', x, 'out', (dOut, out) => runBinary('mul', dOut, out));
export const log = (x: Tensor): Tensor => unary('log', x, 'x', (dOut, sx) => runBinary('div', dOut, sx));
export const sqrt = (x: Tensor): Tensor =>
  unary('sqrt', x, 'out', (dOut, out) => runBinary('div', affine(dOut, 0.5, 0), out));
/** 1 / sqrt(x) */
export const rsqrt = (x: Tensor): Tensor =>
  unary('rsqrt', x, 'out', (dOut, out) =>
    runBinary('mul', affine(dOut, -0.5, 0), runBinary('mul', out, runUnary('square', out))),
  );
export const reciprocal = (x: Tensor): Tensor =>
  unary('reciprocal', x, 'out', (dOut, out) => runBinary('mul', neg(dOut), runUnary('square', out)));
export const square = (x: Tensor): Tensor =>
  unary('square', x, 'x', (dOut, sx) => runBinary('mul', affine(dOut, 2, 0), sx));
export const sin = (x: Tensor): Tensor =>
  unary('sin', x, 'x', (dOut, sx) => runBinary('mul', dOut, runUnary('cos', sx)));
export const cos = (x: Tensor): Tensor =>
  unary('cos', x, 'x', (dOut, sx) => runBinary('mul', neg(dOut), runUnary('sin', sx)));
export const tanh = (x: Tensor): Tensor =>
  unary('tanh', x, 'out', (dOut, out) => runBinary('tanhGradFromOutput', out, dOut));
/** 1 / (1 + exp(-x)) */
export const sigmoid = (x: Tensor): Tensor =>
  unary('sigmoid', x, 'out', (dOut, out) => runBinary('sigmoidGradFromOutput', out, dOut));
export const relu = (x: Tensor): Tensor => unary('relu', x, 'x', (dOut, sx) => runBinary('reluGrad', sx, dOut));
/** x * sigmoid(x) */
export const silu = (x: Tensor): Tensor => unary('silu', x, 'x', (dOut, sx) => runBinary('siluGrad', sx, dOut));
/** GELU, tanh approximation (Hendrycks and Gimpel, 2016; GPT-2's). */
export const gelu = (x: Tensor): Tensor => unary('gelu', x, 'x', (dOut, sx) => runBinary('geluGrad', sx, dOut));
/** GELU with the error function, exact to f32 rounding of erf. */
export const geluErf = (x: Tensor): Tensor =>
  unary('geluErf', x, 'x', (dOut, sx) => runBinary('geluErfGrad', sx, dOut));
/** The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x. */
export const erf = (x: Tensor): Tensor =>
  unary('erf', x, 'x', (dOut, sx) => {
    const slope = affine(runUnary('exp', neg(runUnary('square', sx))), 2 / Math.sqrt(Math.PI), 0);
    return runBinary('mul', dOut, slope);
  });
/** exp(x) - 1, with its digits near 0. */
export const expm1 = (x: Tensor): Tensor =>
  unary('expm1', x, 'out', (dOut, out) => runBinary('mul', dOut, affine(out, 1, 1)));
/** 1 where x is NaN or infinite, else 0; no gradient. */
export const notFinite = (x: Tensor): Tensor => runUnary('notFinite', x);

/**
 * Soft limit to (-c, c), Gemma 2's of logits: c * tanh(x / c), x itself far below c.
 *
 * @param c finite and above 0
 * @throws ConfigError for another c; DTypeError for integers
 */
export function softcap(x: Tensor, c: number): Tensor {
  livingTensor('softcap', 'x', x);
  numberThat('softcap', 'c', c, 'a finite number > 0', (value) => value > 0 && value < Infinity);
  const out = runUnary('softcap', x, c);
  record([out], [x], [out], ([dOut], [sOut]) => [runBinary('tanhGradFromOutput', affine(sOut, 1 / c, 0), dOut!)]);
  return out;
}

/** x limited to [low, high]; gradient 0 outside. Bounds of integers are whole, or infinite for none. @throws DTypeError */
export function clamp(x: Tensor, low: number, high: number): Tensor {
  livingTensor('clamp', 'x', x);
  numberThat('clamp', 'low', low, 'a number, -Infinity for none', () => true);
  numberThat('clamp', 'high', high, `a number >= low = ${low}, Infinity for none`, (value) => value >= low);
  const [first, last] = x.dtype === 'i32' || x.dtype === 'u32' ? INTEGER_RANGES[x.dtype] : [-Infinity, Infinity];
  const bounds = [Math.max(low, first), Math.min(high, last)];
  numberFits('clamp', 'low', bounds[0], x.dtype, castFor('x', x.dtype));
  numberFits('clamp', 'high', bounds[1], x.dtype, castFor('x', x.dtype));
  const out = runUnary('clamp', x, bounds[0], bounds[1]);
  record([out], [x], [x, out], ([dOut], [sx, sOut]) => [runBinary('mul', dOut!, runBinary('equal', sx, sOut))]);
  return out;
}
