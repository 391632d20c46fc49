import type { BinaryOp, UnaryOp } from '../backends/elementwise-ops.ts';
import { record } from '../core/autograd.ts';
import { type DType, isFloat } from '../core/dtype.ts';
import { DTypeError } from '../core/errors.ts';
import { tidy } from '../core/scope.ts';
import { broadcastShapes } from '../core/shape.ts';
import { allocateTensor, livingTensor, type Tensor } from '../core/tensor.ts';
import { isNumber, numberThat } from '../core/value-checks.ts';
import { lower } from '../lower/lower.ts';
import { checkOperands, floatOnly, sameDType } from './checks.ts';
import { castFor, full, INTEGER_RANGES, numberFits, zerosLike } from './creation.ts';
import { broadcastTo, cast, sumTo } from './views.ts';

export type Operand = Tensor | number;

/** What integers have too. */
const INTEGER_UNARY: ReadonlySet<UnaryOp> = new Set(['neg', 'abs', 'sign', 'square', 'affine', 'clamp']);

/**
 * Two operands, of which one may be a number, which the other's dtype must hold.
 *
 * @throws ConfigError for what is neither; DTypeError for a fraction beside integers; as `checkOperands`
 */
function checkPair(operation: string, a: Operand, b: Operand): void {
  if (typeof a === 'number') {
    checkOperands(operation, { b: b as Tensor });
    const { dtype } = b as Tensor;
    numberFits(operation, 'a', a, dtype, castFor('b', dtype));
  } else if (typeof b === 'number') {
    checkOperands(operation, { a });
    numberFits(operation, 'b', b, a.dtype, castFor('a', a.dtype));
  } else {
    checkOperands(operation, { a, b });
  }
}

function runUnary(op: UnaryOp, x: Tensor, alpha?: number, beta?: number): Tensor {
  checkOperands(op, { x });
  if (!INTEGER_UNARY.has(op)) floatOnly(op, x);
  const out = allocateTensor(x.device, x.shape, x.dtype);
  x.device.backend.unary(op, x.view, out.view, alpha, beta);
  return out;
}

/** op(a, b) with broadcasting, not recorded. */
function runBinary(op: BinaryOp, a: Tensor, b: Tensor): Tensor {
  const { device } = a;
  sameDType(op, a, b);
  const shape = broadcastShapes(op, a.shape, b.shape);
  const out = allocateTensor(device, shape, a.dtype);
  device.backend.binary(op, expand(a, shape), expand(b, shape), out.view);
  return out;
}

function expand(x: Tensor, shape: readonly number[]) {
  const lead = shape.length - x.rank;
  const strides = shape.map((extent, axis) =>
    axis < lead || (x.shape[axis - lead] === 1 && extent !== 1) ? 0 : x.strides[axis - lead],
  );
  return { ...x.view, shape, strides };
}

/** Number operands become scalar tensors of the other operand's dtype. */
function asTensor(value: Operand, like: Operand): Tensor {
  if (typeof value !== 'number') return value;
  const { dtype, device } = like as Tensor;
  return full([], value, { dtype, device });
}

type PairGradient = (dOut: Tensor, a: Tensor, b: Tensor, out: Tensor) => Tensor;

/** Records a broadcast binary operator. `saves` says which of a, b, out its gradients read. */
function binary(op: BinaryOp, x: Operand, y: Operand, saves: boolean, dA: PairGradient, dB: PairGradient): Tensor {
  checkPair(op, x, y);
  return tidy(() => {
    const a = asTensor(x, y);
    const b = asTensor(y, x);
    const out = runBinary(op, a, b);
    const { shape: aShape } = a;
    const { shape: bShape } = b;
    record([out], [a, b], saves ? [a, b, out] : [], ([dOut], saved, needs) => {
      const [sa, sb, sOut] = saves ? saved : [dOut!, dOut!, dOut!];
      return [
        needs[0] ? sumTo(dA(dOut!, sa, sb, sOut), aShape) : null,
        needs[1] ? sumTo(dB(dOut!, sa, sb, sOut), bShape) : null,
      ];
    });
    return out;
  });
}

/** a + b with broadcasting; integers wrap. @throws ShapeError | DTypeError | DeviceError, as all binary operators here */
export function add(a: Operand, b: Operand): Tensor {
  checkPair('add', a, b);
  if (typeof b === 'number') return affine(a as Tensor, 1, b);
  if (typeof a === 'number') return affine(b, 1, a);
  return binary(
    'add',
    a,
    b,
    false,
    (dOut) => dOut,
    (dOut) => dOut,
  );
}

/** a - b */
export function sub(a: Operand, b: Operand): Tensor {
  checkPair('sub', a, b);
  if (typeof b === 'number') return affine(a as Tensor, 1, -b);
  if (typeof a === 'number') return affine(b, -1, a);
  return binary(
    'sub',
    a,
    b,
    false,
    (dOut) => dOut,
    (dOut) => neg(dOut),
  );
}

/** a * b */
export function mul(a: Operand, b: Operand): Tensor {
  checkPair('mul', a, b);
  if (typeof b === 'number') return affine(a as Tensor, b, 0);
  if (typeof a === 'number') return affine(b, a, 0);
  return binary(
    'mul',
    a,
    b,
    true,
    (dOut, _a, sb) => runBinary('mul', dOut, sb),
    (dOut, sa) => runBinary('mul', dOut, sa),
  );
}

/** a / b; integers truncate. */
export function div(a: Operand, b: Operand): Tensor {
  return binary(
    'div',
    a,
    b,
    true,
    (dOut, _a, sb) => runBinary('div', dOut, sb),
    // In this order, which overflows last.
    (dOut, _a, sb, out) => neg(runBinary('mul', dOut, runBinary('div', out, sb))),
  );
}

/**
 * a^b. A negative float to a power that is not whole is NaN; integers wrap, and their negative powers truncate. As in PyTorch, the
 * gradient of a is 0 where b is 0, and that of b is 0 where a is 0 and b is not negative.
 */
export function pow(a: Operand, b: Operand): Tensor {
  checkPair('pow', a, b);
  if (typeof b === 'number' && typeof a !== 'number' && isFloat(a.dtype)) return powScalar(a, b);
  return binary(
    'pow',
    a,
    b,
    true,
    (dOut, sa, sb) => {
      const slope = runBinary('mul', sb, runBinary('pow', sa, affine(sb, 1, -1)));
      return where(sb, runBinary('mul', dOut, slope), 0);
    },
    (dOut, sa, sb, out) => {
      const slope = runBinary('mul', out, runUnary('log', sa));
      const isFlat = runBinary('mul', equal(sa, 0), greaterEqual(sb, 0));
      return runBinary('mul', dOut, where(isFlat, 0, slope));
    },
  );
}

function powScalar(x: Tensor, exponent: number): Tensor {
  const out = runUnary('powScalar', x, exponent);
  record([out], [x], [x], ([dOut], [sx]) => [
    exponent === 0
      ? zerosLike(sx)
      : runBinary('mul', dOut!, affine(runUnary('powScalar', sx, exponent - 1), exponent, 0)),
  ]);
  return out;
}

/** The larger; where equal the gradient goes to a. */
export function maximum(a: Operand, b: Operand): Tensor {
  return binary(
    'maximum',
    a,
    b,
    true,
    (d, sa, sb) => runBinary('mul', d, runBinary('greaterEqual', sa, sb)),
    (d, sa, sb) => runBinary('mul', d, runBinary('less', sa, sb)),
  );
}

/** The smaller; where equal the gradient goes to a. */
export function minimum(a: Operand, b: Operand): Tensor {
  return binary(
    'minimum',
    a,
    b,
    true,
    (d, sa, sb) => runBinary('mul', d, runBinary('lessEqual', sa, sb)),
    (d, sa, sb) => runBinary('mul', d, runBinary('greater', sa, sb)),
  );
}

/** silu(gate) * up (Shazeer, "GLU variants improve transformer", 2020). @throws ShapeError when the shapes do not broadcast */
export function swiglu(gate: Tensor, up: Tensor): Tensor {
  return tidy(() => {
    checkOperands('swiglu', { gate, up });
    floatOnly('swiglu', gate, up);
    const out = runBinary('swiglu', gate, up);
    const { shape: gateShape } = gate;
    const { shape: upShape } = up;
    record([out], [gate, up], [gate, up], ([dOut], [g, u], needs) => {
      const [dGate, dUp] = swigluGradients(g, u, dOut!, needs);
      return [dGate && sumTo(dGate, gateShape), dUp && sumTo(dUp, upShape)];
    });
    return out;
  });
}

/** Of gate and up, in dOut's shape; null where nobody needs one. */
function swigluGradients(gate: Tensor, up: Tensor, dOut: Tensor, needs: readonly boolean[]): (Tensor | null)[] {
  const { device, shape, dtype } = dOut;
  const [dGate, dUp] = [0, 1].map((input) => (needs[input] ? allocateTensor(device, shape, dtype) : null));
  const [g, u] = [expand(gate, shape), expand(up, shape)];
  const { backend } = device;
  if (dGate && dUp) {
    lower(backend, 'swigluGradient', { gate: g, up: u, dOut: dOut.view, dGate: dGate.view, dUp: dUp.view });
    return [dGate, dUp];
  }
  if (dGate) backend.ternary('swigluGradGate', g, u, dOut.view, dGate.view);
  if (dUp) backend.binary('swiglu', g, dOut.view, dUp.view);
  return [dGate, dUp];
}

const comparison =
  (op: BinaryOp) =>
  (a: Operand, b: Operand): Tensor => {
    checkPair(op, a, b);
    return tidy(() => runBinary(op, asTensor(a, b), asTensor(b, a)));
  };

/** 1 where a = b, else 0, in the operands' dtype. Comparisons have no gradient. */
export const equal = comparison('equal');
/** 1 where a differs from b, else 0. */
export const notEqual = comparison('notEqual');
/** 1 where a < b, else 0. */
export const less = comparison('less');
/** 1 where a <= b, else 0. */
export const lessEqual = comparison('lessEqual');
/** 1 where a > b, else 0. */
export const greater = comparison('greater');
/** 1 where a >= b, else 0. */
export const greaterEqual = comparison('greaterEqual');

/** 1 where a mask is not 0, in the dtype of what it chooses from: a cast alone would make 0 of 0.5. */
function maskOf(mask: Tensor, dtype: DType): Tensor {
  return mask.dtype === dtype ? mask : cast(notEqual(mask, 0), dtype);
}

/** condition != 0 ? a : b, all broadcast; `condition`, of any dtype, gets no gradient. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  return tidy(() => {
    checkOperands('where', { condition });
    if (typeof a !== 'number' || typeof b !== 'number') checkPair('where', a, b);
    const like = typeof a === 'number' ? b : a;
    const ta = asTensor(a, typeof like === 'number' ? condition : like);
    const tb = asTensor(b, ta);
    const dtype = sameDType('where', ta, tb);
    const device = checkOperands('where', { condition, a: ta, b: tb });
    const shape = broadcastShapes('where', condition.shape, broadcastShapes('where', ta.shape, tb.shape));
    const mask = maskOf(condition, dtype);
    const out = allocateTensor(device, shape, dtype);
    device.backend.ternary('where', expand(mask, shape), expand(ta, shape), expand(tb, shape), out.view);
    const { shape: aShape } = ta;
    const { shape: bShape } = tb;
    record([out], [ta, tb], [mask], ([dOut], [sMask], needs) => {
      const wide = broadcastTo(sMask, dOut!.shape);
      return [
        needs[0] ? sumTo(where(wide, dOut!, 0), aShape) : null,
        needs[1] ? sumTo(where(wide, 0, dOut!), bShape) : null,
      ];
    });
    return out;
  });
}

type UnaryGradient = (dOut: Tensor, x: Tensor) => Tensor;

/** Records a unary operator whose gradient reads the input or the output. */
function unary(op: UnaryOp, x: Tensor, reads: 'x' | 'out' | 'none', gradient: UnaryGradient): Tensor {
  const out = runUnary(op, x);
  record([out], [x], reads === 'none' ? [] : [reads === 'x' ? x : out], ([dOut], [saved]) => [gradient(dOut!, saved)]);
  return out;
}

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
