import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { requireDTypes } from '../plan/dtype-support.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { reads, writes } from '../plan/pass-bindings.ts';
import type { KernelPlan } from '../plan/plan.ts';
import { rowElements } from '../plan/row-elements.ts';
import { shaderVariant } from '../plan/shader-variant.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import forwardSource from './cross-entropy.wgsl';
import backwardSource from './cross-entropy-backward.wgsl';

const UNREAD = 'unread';

/** Cross-entropy of logits `[N, V]` with targets i32 `[N]`. Offsets in elements. */
export interface CrossEntropyProblem {
  readonly dtype: 'f32' | 'f16';
  readonly N: number;
  readonly V: number;
  /** Rows with this target cost 0. */
  readonly ignoreIndex: number;
  /** Weight of `lse^2`. */
  readonly zLoss: number;
  readonly offsets: {
    readonly logits: number;
    readonly targets: number;
    readonly loss: number;
    readonly lse: number;
  };
}

/** The gradient; `isInPlace` when dLogits is the very same memory as logits. */
export interface CrossEntropyBackwardProblem extends Omit<CrossEntropyProblem, 'offsets'> {
  readonly isInPlace: boolean;
  readonly offsets: {
    readonly logits: number;
    readonly targets: number;
    readonly lse: number;
    readonly dLoss: number;
    readonly dLogits: number;
  };
}

/**
 * Plans `loss = lse - logits[target] + zLoss lse^2`, f32 `[N]`, and the two parts of lse, f32 `[N, 2]` (the largest logit, and the
 * logarithm of the sum of exponentials relative to it), one workgroup a row.
 * Operands: `logits`, `targets`, `loss`, `lse`. A target outside 0..V-1 that is not ignored gives NaN.
 *
 * @throws KernelError for f16 without `caps.f16`
 */
export function planCrossEntropy(problem: CrossEntropyProblem, caps: DeviceCapabilities): KernelPlan {
  const { dtype, N, V, ignoreIndex, zLoss, offsets } = problem;
  requireDTypes('crossEntropy', caps, dtype);
  if (N === 0) return { passes: [], workspace: {} };
  const { logits, targets, loss, lse } = offsets;
  const { width, types } = rowElements(dtype, V, [logits]);
  return {
    passes: [
      {
        label: `cross-entropy ${dtype} x${width}`,
        shader: shaderVariant(forwardSource, types),
        constants: {},
        bindings: [...reads('logits', 'targets'), ...writes('loss', 'lse')],
        uniform: uniformBlock([
          ...[N, V / width, logits / width, targets, loss, lse, { i32: ignoreIndex }, { f32: zLoss }],
        ]),
        workgroups: foldWorkgroups(N, caps),
      },
    ],
    workspace: {},
  };
}

/**
 * Plans `dLogits = dLoss (softmax (1 + 2 zLoss lse) - onehot)`; ignored rows get 0.
 * Operands: `logits` (not bound in place), `targets`, `lse`, `dLoss`, `dLogits`.
 *
 * @throws KernelError for f16 without `caps.f16`
 */
export function planCrossEntropyBackward(problem: CrossEntropyBackwardProblem, caps: DeviceCapabilities): KernelPlan {
  const { dtype, N, V, ignoreIndex, zLoss, isInPlace, offsets } = problem;
  requireDTypes('crossEntropy backward', caps, dtype);
  if (N * V === 0) return { passes: [], workspace: {} };
  const { logits, targets, lse, dLoss, dLogits } = offsets;
  const { width, types } = rowElements(dtype, V, [logits, dLogits]);
  const LANE = width === 4 ? 'vec4<f32>(0.0, 1.0, 2.0, 3.0)' : '0.0';
  return {
    passes: [
      {
        label: `cross-entropy-backward ${dtype} x${width}`,
        shader: shaderVariant(backwardSource, { ...types, LANE }),
        constants: { IN_PLACE: isInPlace ? 1 : 0 },
        bindings: [...reads(isInPlace ? UNREAD : 'logits', 'targets', 'lse', 'dLoss'), ...writes('dLogits')],
        uniform: uniformBlock([
          ...[N, V / width, logits / width, targets, lse, dLoss, dLogits / width, { i32: ignoreIndex }, { f32: zLoss }],
        ]),
        workgroups: foldWorkgroups(N, caps),
      },
    ],
    workspace: isInPlace ? { [UNREAD]: 16 } : {},
  };
}
