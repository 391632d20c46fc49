import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { requireDTypes } from '../plan/dtype-support.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { reads, writes } from '../plan/pass-bindings.ts';
import type { FloatDType, KernelPlan } from '../plan/plan.ts';
import { shaderVariant } from '../plan/shader-variant.ts';
import { isSoftwareAdapter } from '../plan/software-adapter.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import { unroll } from '../plan/unroll.ts';
import source from './sinkhorn.wgsl';

/** Rows of the largest matrices that a thread has room for. */
export const MOST_SINKHORN_ROWS = 8;

/** Rows and columns of exp(logits) normalised in turns, rows first. Offsets in elements. */
export interface SinkhornProblem {
  readonly dtype: FloatDType;
  readonly matrices: number;
  /** n: rows of a square matrix, at most `MOST_SINKHORN_ROWS`. */
  readonly rows: number;
  readonly iterations: number;
  /** With `dOut`, `out` is the logits' gradient. */
  readonly offsets: { readonly logits: number; readonly dOut: number | null; readonly out: number };
}

/**
 * Plans the iteration or its gradient, one dispatch each, in f32. Operands: `logits`, `dOut` for the gradient, `out`, all `[matrices, n, n]`.
 *
 * @throws KernelError for f16 without `caps.f16`
 */
export function planSinkhorn(problem: SinkhornProblem, caps: DeviceCapabilities): KernelPlan {
  const { dtype, matrices, rows, iterations, offsets } = problem;
  requireDTypes('sinkhorn', caps, dtype);
  if (matrices === 0) return { passes: [], workspace: {} };
  const isBackward = offsets.dOut !== null;
  const text = isSoftwareAdapter(caps) ? source : unroll(source, { SIZE: rows, 'SIZE * SIZE': rows * rows, '2u': 2 });
  return {
    passes: [
      {
        label: `sinkhorn${isBackward ? '-backward' : ''} ${dtype} ${rows} x ${rows}`,
        shader: shaderVariant(text, { Element: dtype, SIZE: `${rows}u`, ITERATIONS: `${iterations}u` }),
        constants: { IS_BACKWARD: isBackward ? 1 : 0 },
        bindings: [...reads('logits', isBackward ? 'dOut' : 'logits'), ...writes('out')],
        uniform: uniformBlock([matrices, offsets.logits, offsets.dOut ?? 0, offsets.out]),
        workgroups: foldWorkgroups(Math.ceil(matrices / 64), caps),
      },
    ],
    workspace: {},
  };
}
