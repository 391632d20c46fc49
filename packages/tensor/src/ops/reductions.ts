import { argmaxKernels } from '../backends/families.ts';
import { record } from '../core/autograd.ts';
import { tidy } from '../core/scope.ts';
import { contiguousStrides, normalizeAxes, type Shape } from '../core/shape.ts';
import { allocateTensor, type Tensor } from '../core/tensor.ts';
import { checkedLater, checkOptions, flag, type OptionChecks } from '../core/value-checks.ts';
import { checkOperands, floatOnly } from './checks.ts';
import { div, equal, mul, sub } from './elementwise.ts';
import { affine, square } from './unary.ts';
import { broadcastTo, contiguous, reshape } from './views.ts';

export interface ReduceOptions {
  /** Axes to reduce, negative from the end; all by default. */
  readonly axes?: number | readonly number[];
  /** Keep reduced axes with extent 1. */
  readonly keepDims?: boolean;
}

/** Axes are checked with the tensor's rank. */
const REDUCE_OPTIONS: OptionChecks<ReduceOptions> = { axes: checkedLater, keepDims: flag };

function checkReduction(operation: string, x: Tensor, options: ReduceOptions): void {
  checkOperands(operation, { x });
  checkOptions(operation, options, REDUCE_OPTIONS);
}

interface Reduction {
  readonly out: Tensor;
  /** Shape with reduced axes of extent 1: what gradients broadcast from. */
  readonly kept: Shape;
  readonly count: number;
}

function run(op: 'sum' | 'max' | 'min', x: Tensor, { axes, keepDims = false }: ReduceOptions): Reduction {
  const list = normalizeAxes(op, axes, x.rank);
  const kept = x.shape.map((extent, axis) => (list.includes(axis) ? 1 : extent));
  const dense = allocateTensor(x.device, kept, x.dtype);
  x.device.backend.reduce(op, x.view, list, dense.view);
  const shape = keepDims ? kept : x.shape.filter((_, axis) => !list.includes(axis));
  return {
    out: keepDims ? dense : dense.alias(shape, contiguousStrides(shape)),
    kept,
    count: list.reduce((product, axis) => product * x.shape[axis], 1),
  };
}

/** Sum over axes; f32 accumulation in a fixed order; 0 for no elements. */
export function sum(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkReduction('sum', x, options);
  return tidy(() => {
    const { out, kept } = run('sum', x, options);
    const { shape } = x;
    record([out], [x], [], ([dOut]) => [broadcastTo(reshape(dOut!, kept), shape)]);
    return out;
  });
}

/** Mean over axes. */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkReduction('mean', x, options);
  return tidy(() => {
    floatOnly('mean', x);
    const list = normalizeAxes('mean', options.axes, x.rank);
    return affine(sum(x, options), 1 / list.reduce((product, axis) => product * x.shape[axis], 1), 0);
  });
}

/** Mean squared distance from the mean, over axes (divides by n). */
export function variance(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkReduction('variance', x, options);
  floatOnly('variance', x);
  return tidy(() => {
    return mean(square(sub(x, mean(x, { ...options, keepDims: true }))), options);
  });
}

function extremum(op: 'max' | 'min', x: Tensor, options: ReduceOptions): Tensor {
  checkReduction(op, x, options);
  return tidy(() => {
    const { out, kept } = run(op, x, options);
    const { shape } = x;
    const list = normalizeAxes(op, options.axes, x.rank);
    record([out], [x], [x, out], ([dOut], [sx, sOut]) => {
      const hit = equal(sx, broadcastTo(reshape(sOut, kept), shape));
      const share = div(reshape(dOut!, kept), sum(hit, { axes: list, keepDims: true }));
      return [mul(hit, broadcastTo(share, shape))];
    });
    return out;
  });
}

/** Largest value over axes; equal maxima share the gradient. */
export function max(x: Tensor, options: ReduceOptions = {}): Tensor {
  return extremum('max', x, options);
}

/** Smallest value over axes; equal minima share the gradient. */
export function min(x: Tensor, options: ReduceOptions = {}): Tensor {
  return extremum('min', x, options);
}

/** Index (i32) of the first maximum along the last axis, `[..., N] -> [...]`; a NaN counts as the largest. */
export function argmax(x: Tensor): Tensor {
  checkOperands('argmax', { x });
  return tidy(() => {
    const source = contiguous(x.detach());
    const out = allocateTensor(x.device, x.shape.slice(0, -1), 'i32');
    argmaxKernels.on(x.device.backend).argmax(source.view, out.view);
    return out;
  });
}
