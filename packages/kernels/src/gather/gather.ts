import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { requireDTypes } from '../plan/dtype-support.ts';
import { DTYPES } from '../plan/dtype-table.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { reads, writes } from '../plan/pass-bindings.ts';
import type { KernelDType, KernelPlan } from '../plan/plan.ts';
import { shaderVariant } from '../plan/shader-variant.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import source from './gather.wgsl';

const WORKGROUP = 256;
const NAN_BITS = 0x7fc00000;

/** `out[r, j, :] = x[r, index[j], :]` with x `[R, N, I]`, index i32 or u32 `[J]`. An embedding is R = 1. Offsets in elements. */
export interface GatherProblem {
  readonly dtype: KernelDType;
  readonly R: number;
  readonly N: number;
  readonly I: number;
  readonly J: number;
  readonly offsets: { readonly x: number; readonly index: number; readonly out: number };
}

/**
 * Plans a gather along the middle axis. Operands: `x`, `index`, `out`.
 * An index outside 0..N-1 gives NaN (0 for integers).
 *
 * @throws KernelError for f16 without `caps.f16`
 */
export function planGather({ dtype, R, N, I, J, offsets }: GatherProblem, caps: DeviceCapabilities): KernelPlan {
  requireDTypes('gather', caps, dtype);
  if (R * J * I === 0) return { passes: [], workspace: {} };
  const { isFloat, computed } = DTYPES[dtype];
  const isVector = [I, offsets.x, offsets.out].every((value) => value % 4 === 0);
  const width = isVector ? 4 : 1;
  return {
    passes: [
      {
        label: `gather ${dtype}${isVector ? ' vec4' : ''}`,
        shader: shaderVariant(source, {
          Element: isVector ? `vec4<${dtype}>` : dtype,
          Single: dtype,
          Source: computed,
        }),
        constants: {},
        bindings: [...reads('x', 'index'), ...writes('out')],
        uniform: uniformBlock([
          ...[R, N, I / width, J, offsets.x / width, offsets.index, offsets.out / width, isFloat ? NAN_BITS : 0],
        ]),
        workgroups: foldWorkgroups(Math.ceil((R * J * I) / width / WORKGROUP), caps),
      },
    ],
    workspace: {},
  };
}
