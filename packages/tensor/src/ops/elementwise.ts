import type { BinaryOp } from '../backends/elementwise-ops.ts';
import { record } from '../core/autograd.ts';
import { type DType, isFloat } from '../core/dtype.ts';
import { tidy } from '../core/scope.ts';
import { broadcastShapes } from '../core/shape.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import { swigluGradient } from '../lower/decompositions.ts';
import { lower } from '../lower/lower.ts';
import { checkOperands, floatOnly, sameDType } from './checks.ts';
import { castFor, full, numberFits, zerosLike } from './creation.ts';
import { expand, runBinary, runUnary } from './run-elementwise.ts';
import { affine, neg } from './unary.ts';
import { broadcastTo, cast, sumTo } from './views.ts';

export type Operand = Tensor | number;

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
    lower(backend, swigluGradient, { gate: g, up: u, dOut: dOut.view, dGate: dGate.view, dUp: dUp.view });
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
