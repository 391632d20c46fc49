import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { requireDTypes } from '../plan/dtype-support.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { reads, writes } from '../plan/pass-bindings.ts';
import type { KernelPlan } from '../plan/plan.ts';
import { rowElements } from '../plan/row-elements.ts';
import { shaderVariant } from '../plan/shader-variant.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import source from './adamw.wgsl';

const WORKGROUP = 256;

/** One AdamW update of one parameter. Offsets in elements. */
export interface AdamWProblem {
  readonly gradDtype: 'f32' | 'f16';
  readonly size: number;
  readonly lr: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  /** `1 - beta^step`. */
  readonly biasCorrection1: number;
  readonly biasCorrection2: number;
  readonly offsets: {
    readonly param: number;
    readonly grad: number;
    readonly m: number;
    readonly v: number;
    /** Of the f32 scalar that multiplies the gradient; null for none. */
    readonly scale: number | null;
  };
}

/**
 * Plans `m = b1 m + (1-b1) g`, `v = b2 v + (1-b2) g^2`, `p -= lr (m/c1 / (sqrt(v/c2) + eps) + weightDecay p)`.
 * Operands: `grad`, `scale` (when its offset is not null), and `param`, `m`, `v` (f32, updated in place).
 * A scale that is NaN or infinite leaves everything unchanged.
 *
 * @throws KernelError for f16 gradients without `caps.f16`
 */
export function planAdamW(problem: AdamWProblem, caps: DeviceCapabilities): KernelPlan {
  const { gradDtype, size, lr, beta1, beta2, eps, weightDecay, biasCorrection1, biasCorrection2, offsets } = problem;
  requireDTypes('adamw', caps, gradDtype);
  if (size === 0) return { passes: [], workspace: {} };
  const hasScale = offsets.scale !== null;
  const starts = [offsets.param, offsets.grad, offsets.m, offsets.v];
  const { width, types } = rowElements(gradDtype, size, starts);
  const numbers = [lr, beta1, beta2, 1 - beta1, 1 - beta2, eps, weightDecay, biasCorrection1, biasCorrection2];
  return {
    passes: [
      {
        label: `adamw ${gradDtype} x${width}`,
        shader: shaderVariant(source, { Gradient: types.Element, Value: types.Value }),
        constants: { HAS_SCALE: hasScale ? 1 : 0 },
        bindings: [...reads('grad', hasScale ? 'scale' : 'grad'), ...writes('param', 'm', 'v')],
        uniform: uniformBlock([
          ...[size, ...starts].map((value) => value / width),
          offsets.scale ?? 0,
          ...numbers.map((f32) => ({ f32 })),
        ]),
        workgroups: foldWorkgroups(Math.ceil(size / width / WORKGROUP), caps),
      },
    ],
    workspace: {},
  };
}
