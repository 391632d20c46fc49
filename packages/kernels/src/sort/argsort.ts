import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { requireDTypes } from '../plan/dtype-support.ts';
import { DTYPES } from '../plan/dtype-table.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { reads, writes } from '../plan/pass-bindings.ts';
import type { KernelDType, KernelPass, KernelPlan } from '../plan/plan.ts';
import { shaderVariant } from '../plan/shader-variant.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import source from './argsort.wgsl';

const WORKGROUP = 256;
/** The order of keys, by the type that elements are loaded as. */
const KINDS = { f32: 0, i32: 1, u32: 2 } as const;
/** Bound where the first pass reads no indices. */
const UNREAD = 'unread';

/** Indices that sort each row of x `[rows, N]`. Offsets in elements. */
export interface ArgsortProblem {
  readonly dtype: KernelDType;
  readonly rows: number;
  readonly N: number;
  readonly isDescending: boolean;
  readonly offset: number;
  readonly outOffset: number;
}

/**
 * Plans `out[r, :]` (i32) so that `x[r, out[r, j]]` rises with j, or falls; equal elements keep their order, a NaN counts as the largest.
 * log2(N) passes of N log2(N) comparisons. Operands: `x`, `out`.
 *
 * @throws KernelError for f16 without `caps.f16`
 */
export function planArgsort(problem: ArgsortProblem, caps: DeviceCapabilities): KernelPlan {
  const { dtype, rows, N, isDescending, offset, outOffset } = problem;
  requireDTypes('argsort', caps, dtype);
  if (rows * N === 0) return { passes: [], workspace: {} };
  const shader = shaderVariant(
    source,
    DTYPES[dtype].isHalf ? { Element: 'f16', Source: 'f32' } : { Element: 'u32', Source: 'u32' },
  );
  const count = Math.max(1, Math.ceil(Math.log2(N)));
  // The last pass writes to out, those before take turns.
  const places = [
    { buffer: 'out', offset: outOffset },
    { buffer: 'other', offset: 0 },
  ] as const;
  const passes = Array.from({ length: count }, (_, i): KernelPass => {
    const after = places[(count - 1 - i) % 2]!;
    const before = i === 0 ? { buffer: UNREAD, offset: 0 } : places[(count - i) % 2]!;
    return {
      label: `argsort ${dtype} runs of ${2 ** i}`,
      shader,
      constants: { KIND: KINDS[DTYPES[dtype].computed], DESCENDING: isDescending ? 1 : 0 },
      bindings: [...reads('x', before.buffer), ...writes(after.buffer)],
      uniform: uniformBlock([rows, N, 2 ** i, i === 0 ? 1 : 0, offset, before.offset, after.offset, 0]),
      workgroups: foldWorkgroups(Math.ceil((rows * N) / WORKGROUP), caps),
    };
  });
  return { passes, workspace: { [UNREAD]: 16, ...(count > 1 ? { other: 4 * rows * N } : {}) } };
}
