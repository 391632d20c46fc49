import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { requireDTypes } from '../plan/dtype-support.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { reads, writes } from '../plan/pass-bindings.ts';
import type { KernelPlan } from '../plan/plan.ts';
import { rowElements } from '../plan/row-elements.ts';
import { rowWidth } from '../plan/row-width.ts';
import { shaderVariant } from '../plan/shader-variant.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import source from './norm.wgsl';

/** Name of scratch memory that stands where a shader declares an operand that this plan does not have. */
const ABSENT = 'absent';
const ABSENT_SUM = 'absentSum';

/** RMS norm or layer norm over the rows of x `[rows, N]`. An offset of null: there is no such operand. Offsets in elements. */
export interface NormProblem {
  readonly kind: 'rms' | 'layer';
  readonly dtype: 'f32' | 'f16';
  readonly rows: number;
  readonly N: number;
  readonly eps: number;
  readonly offsets: {
    readonly x: number;
    readonly weight: number | null;
    readonly bias: number | null;
    readonly out: number;
    /** Null for RMS norm. */
    readonly mean: number | null;
    readonly rstd: number;
    /** With `sum`: the norm is of `x + residual`, which is stored in `sum` (`[rows, N]`) too. Neither may be another operand's memory. */
    readonly residual?: number;
    readonly sum?: number;
  };
}

/**
 * Plans `out = (x - mean) * rstd * weight + bias`, one workgroup a row, any N.
 * Operands: `x`, `weight`, `bias`, `out`, `mean` and `rstd` (f32 `[rows]`), `residual` and `sum`, as far as they have offsets.
 *
 * @throws KernelError for f16 without `caps.f16`
 */
export function planNorm(problem: NormProblem, caps: DeviceCapabilities): KernelPlan {
  const { kind, dtype, rows, N, eps, offsets } = problem;
  requireDTypes(`${kind} norm`, caps, dtype);
  if (rows * N === 0) return { passes: [], workspace: {} };
  const hasWeight = offsets.weight !== null;
  const hasBias = offsets.bias !== null;
  const isLayer = kind === 'layer';
  const { x, weight, bias, out, residual = null, sum = 0 } = offsets;
  const { width, types } = rowElements(dtype, N, [x, weight, bias, out, residual, sum]);
  const hasResidual = residual !== null;
  return {
    passes: [
      {
        label: `${kind}-norm${hasResidual ? '-residual' : ''} ${dtype} x${width}`,
        shader: shaderVariant(source, types),
        constants: {
          WIDTH: rowWidth(N / width),
          IS_LAYER: isLayer ? 1 : 0,
          HAS_WEIGHT: hasWeight ? 1 : 0,
          HAS_BIAS: hasBias ? 1 : 0,
          HAS_RESIDUAL: hasResidual ? 1 : 0,
        },
        bindings: [
          ...reads('x', hasWeight ? 'weight' : 'x', hasBias ? 'bias' : 'x', hasResidual ? 'residual' : 'x'),
          ...writes('out', isLayer ? 'mean' : ABSENT, 'rstd', hasResidual ? 'sum' : ABSENT_SUM),
        ],
        uniform: uniformBlock([
          ...[rows, N / width, { f32: eps }, 0],
          ...[x, weight ?? 0, bias ?? 0, out].map((start) => start / width),
          ...[offsets.mean ?? 0, offsets.rstd, (residual ?? 0) / width, sum / width],
        ]),
        workgroups: foldWorkgroups(rows, caps),
      },
    ],
    workspace: { ...(isLayer ? {} : { [ABSENT]: 16 }), ...(hasResidual ? {} : { [ABSENT_SUM]: 16 }) },
  };
}
