import type { ArrayView } from '../backends/backend.ts';
import type { BinaryOp, UnaryOp } from '../backends/elementwise-ops.ts';
import { record } from '../core/autograd.ts';
import { broadcastShapes } from '../core/shape.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import { checkOperands, floatOnly, sameDType } from './checks.ts';

/** What integers have too. */
const INTEGER_UNARY: ReadonlySet<UnaryOp> = new Set(['neg', 'abs', 'sign', 'square', 'affine', 'clamp']);

/** op(x), not recorded. @throws DTypeError for integers, where they have no such operator */
export function runUnary(op: UnaryOp, x: Tensor, alpha?: number, beta?: number): Tensor {
  checkOperands(op, { x });
  if (!INTEGER_UNARY.has(op)) floatOnly(op, x);
  const out = allocateTensor(x.device, x.shape, x.dtype);
  x.device.backend.unary(op, x.view, out.view, alpha, beta);
  return out;
}

/** op(a, b) with broadcasting, not recorded. */
export function runBinary(op: BinaryOp, a: Tensor, b: Tensor): Tensor {
  const { device } = a;
  sameDType(op, a, b);
  const shape = broadcastShapes(op, a.shape, b.shape);
  const out = allocateTensor(device, shape, a.dtype);
  device.backend.binary(op, expand(a, shape), expand(b, shape), out.view);
  return out;
}

/** A view of x in a shape that it broadcasts to. */
export function expand(x: Tensor, shape: readonly number[]): ArrayView {
  const lead = shape.length - x.rank;
  const strides = shape.map((extent, axis) =>
    axis < lead || (x.shape[axis - lead] === 1 && extent !== 1) ? 0 : x.strides[axis - lead],
  );
  return { ...x.view, shape, strides };
}

type UnaryGradient = (dOut: Tensor, x: Tensor) => Tensor;

/** Records a unary operator whose gradient reads the input or the output. */
export function unary(op: UnaryOp, x: Tensor, reads: 'x' | 'out' | 'none', gradient: UnaryGradient): Tensor {
  const out = runUnary(op, x);
  record([out], [x], reads === 'none' ? [] : [reads === 'x' ? x : out], ([dOut], [saved]) => [gradient(dOut!, saved)]);
  return out;
}
