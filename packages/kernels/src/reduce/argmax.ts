import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { requireDTypes } from '../plan/dtype-support.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { reads, writes } from '../plan/pass-bindings.ts';
import type { KernelDType, KernelPlan } from '../plan/plan.ts';
import { shaderVariant } from '../plan/shader-variant.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import source from './argmax.wgsl';
import { accumulatorOf } from './reduce-pass.ts';

/** Index of the first maximum of each row of x `[rows, N]`. */
export interface ArgmaxProblem {
  readonly dtype: KernelDType;
  readonly rows: number;
  readonly N: number;
  readonly offset: number;
  readonly outOffset: number;
}

/**
 * Plans `out[r] = argmax(x[r, :])` (i32). Operands: `x`, `out`. A NaN counts as the largest; N is at least 1.
 *
 * @throws KernelError for f16 without `caps.f16`
 */
export function planArgmax({ dtype, rows, N, offset, outOffset }: ArgmaxProblem, caps: DeviceCapabilities): KernelPlan {
  requireDTypes('argmax', caps, dtype);
  if (rows === 0) return { passes: [], workspace: {} };
  return {
    passes: [
      {
        label: `argmax ${dtype}`,
        shader: shaderVariant(source, {
          Element: dtype,
          Value: accumulatorOf(dtype),
          IS_FLOAT: String(accumulatorOf(dtype) === 'f32'),
        }),
        constants: {},
        bindings: [...reads('x'), ...writes('out')],
        uniform: uniformBlock([rows, N, offset, outOffset]),
        workgroups: foldWorkgroups(rows, caps),
      },
    ],
    workspace: {},
  };
}
