import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { requireDTypes } from '../plan/dtype-support.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { reads, writes } from '../plan/pass-bindings.ts';
import type { KernelPlan } from '../plan/plan.ts';
import { rowElements } from '../plan/row-elements.ts';
import { rowWidth } from '../plan/row-width.ts';
import { shaderVariant } from '../plan/shader-variant.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import forwardSource from './softmax.wgsl';
import backwardSource from './softmax-backward.wgsl';

/** Softmax or log-softmax along the rows of x `[rows, N]`. */
export interface SoftmaxProblem {
  readonly dtype: 'f32' | 'f16';
  readonly rows: number;
  readonly N: number;
  readonly isLog: boolean;
  /** In elements. */
  readonly offsets: { readonly x: number; readonly out: number };
}

/** The gradient, from the output `y` and its gradient `dy`. */
export interface SoftmaxBackwardProblem extends Omit<SoftmaxProblem, 'offsets'> {
  readonly offsets: { readonly y: number; readonly dy: number; readonly dx: number };
}

/**
 * Plans a softmax, one workgroup a row, any N. Operands: `x`, `out`. A row of -Infinity gives 0 (log: -Infinity).
 *
 * @throws KernelError for f16 without `caps.f16`
 */
export function planSoftmax(problem: SoftmaxProblem, caps: DeviceCapabilities): KernelPlan {
  const { dtype, rows, N, isLog, offsets } = problem;
  requireDTypes('softmax', caps, dtype);
  if (rows * N === 0) return { passes: [], workspace: {} };
  const { width, types } = rowElements(dtype, N, Object.values(offsets));
  return {
    passes: [
      {
        label: `${isLog ? 'log-softmax' : 'softmax'} ${dtype} x${width}`,
        shader: shaderVariant(forwardSource, { ...types, Bits: width === 4 ? 'vec4<u32>' : 'u32' }),
        constants: { WIDTH: rowWidth(N / width), IS_LOG: isLog ? 1 : 0 },
        bindings: [...reads('x'), ...writes('out')],
        uniform: uniformBlock([rows, N / width, offsets.x / width, offsets.out / width]),
        workgroups: foldWorkgroups(rows, caps),
      },
    ],
    workspace: {},
  };
}

/**
 * Plans `dx = y (dy - sum(dy y))`, or for log-softmax `dy - exp(y) sum(dy)`. Operands: `y`, `dy`, `dx`.
 *
 * @throws KernelError for f16 without `caps.f16`
 */
export function planSoftmaxBackward(problem: SoftmaxBackwardProblem, caps: DeviceCapabilities): KernelPlan {
  const { dtype, rows, N, isLog, offsets } = problem;
  requireDTypes('softmax backward', caps, dtype);
  if (rows * N === 0) return { passes: [], workspace: {} };
  const { width, types } = rowElements(dtype, N, Object.values(offsets));
  return {
    passes: [
      {
        label: `${isLog ? 'log-softmax' : 'softmax'}-backward ${dtype} x${width}`,
        shader: shaderVariant(backwardSource, { ...types, Bits: width === 4 ? 'vec4<u32>' : 'u32' }),
        constants: { WIDTH: rowWidth(N / width), IS_LOG: isLog ? 1 : 0 },
        bindings: [...reads('y', 'dy'), ...writes('dx')],
        uniform: uniformBlock([rows, N / width, offsets.y / width, offsets.dy / width, offsets.dx / width]),
        workgroups: foldWorkgroups(rows, caps),
      },
    ],
    workspace: {},
  };
}
