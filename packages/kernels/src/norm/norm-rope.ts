import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { requireDTypes } from '../plan/dtype-support.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { reads, writes } from '../plan/pass-bindings.ts';
import type { KernelPlan } from '../plan/plan.ts';
import { shaderVariant } from '../plan/shader-variant.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import { ropeFrequencies } from '../rope/rope-frequencies.ts';
import { VECTOR, VECTOR_THREADS, vectorLanes } from '../rope/rope-vectors.ts';
import source from './norm-rope.wgsl';
import vectorSource from './norm-rope-vector.wgsl';

/** RMS norm and rotary embedding of queries or keys x `[tokens, H, D]` in one pass. Offsets in elements. */
export interface NormRopeProblem {
  readonly dtype: 'f32' | 'f16';
  readonly tokens: number;
  readonly H: number;
  readonly D: number;
  /** `full`: one norm over all heads of a token, weight `[H * D]`; `head`: one for each head, weight `[D]`; `none`. */
  readonly scope: 'full' | 'head' | 'none';
  readonly eps: number;
  readonly rotaryDim: number;
  readonly theta: number;
  /** Radians a position of each pair, in place of the powers of theta. */
  readonly frequencies?: readonly number[];
  readonly isInterleaved: boolean;
  /** Elements from a token's x to the next; H * D by default. */
  readonly stride?: number;
  /** `weight: null` for none. `out` may start in a depth slot: the key is then normalised, rotated and stored at once. */
  readonly offsets: {
    readonly x: number;
    readonly weight: number | null;
    readonly positions: number;
    readonly out: number;
    readonly rstd: number;
    /** Values `[H, D]` stand behind each token's keys in x, and are copied to `v`. */
    readonly v?: number;
  };
}

/** Threads of a workgroup, and those that share a row: as many as it has pairs, a power of two. */
export function rowLanes(pairs: number): { threads: number; lanes: number } {
  let lanes = 4;
  while (lanes < pairs && lanes < 128) lanes *= 2;
  return { threads: 128, lanes };
}

/** Read-write bindings that a variant has no use for. */
export const ABSENT = { rstd: 'absentRstd', v: 'absentV', partial: 'absentPartial' } as const;

/**
 * Plans `out = rope(x * rstd * weight)`, the query and key path of OLMo 2 and Qwen 3, reading x once from memory.
 * Operands: `x`, `weight` (unless null), `positions` (i32 `[tokens]`), `out`, `rstd` (f32, `[tokens]` or `[tokens * H]`, unless the
 * scope is `none`), which the backward kernels take; `v` with values.
 *
 * @throws KernelError for an odd or too large rotaryDim, and for f16 without `caps.f16`
 */
export function planNormRope(problem: NormRopeProblem, caps: DeviceCapabilities): KernelPlan {
  const { dtype, tokens, H, D, scope, eps, rotaryDim, isInterleaved, stride = H * D, offsets } = problem;
  requireDTypes('norm and rope', caps, dtype);
  const frequencies = ropeFrequencies(D, rotaryDim, problem.theta, problem.frequencies);
  if (tokens * H * D === 0) return { passes: [], workspace: {} };
  const hasNorm = scope !== 'none';
  const hasWeight = offsets.weight !== null;
  const hasValues = offsets.v !== undefined;
  const aloneLanes = vectorLanes({
    dtype,
    heads: scope === 'full' ? H : 1,
    D,
    rotaryDim,
    isInterleaved,
    starts: [stride, offsets.x, offsets.weight, offsets.out, offsets.v],
  });
  const isVector = aloneLanes !== null;
  // A row of the scalar kernel without a norm is a token's: that kernel's lanes are many.
  const heads = scope === 'full' || (scope === 'none' && !isVector) ? H : 1;
  const rows = (tokens * H) / heads;
  const { threads, lanes } = isVector
    ? { threads: VECTOR_THREADS, lanes: aloneLanes }
    : rowLanes(heads * (D - rotaryDim / 2));
  const width = isVector ? VECTOR : 1;
  const [xAt, weightAt, outAt, vAt] = [offsets.x, offsets.weight ?? 0, offsets.out, offsets.v ?? 0].map(
    (n) => n / width,
  );
  return {
    passes: [
      {
        label: `norm-rope ${scope} ${dtype}${hasValues ? ' and values' : ''}${isVector ? ' x8' : ''}`,
        shader: isVector ? vectorSource : shaderVariant(source, { Element: dtype }),
        constants: {
          THREADS: threads,
          LANES: lanes,
          ...switches(hasNorm, hasWeight, hasValues),
          ...(isVector ? {} : { IS_INTERLEAVED: isInterleaved ? 1 : 0 }),
        },
        bindings: [
          ...reads('x', hasWeight ? 'weight' : 'x', 'positions'),
          ...writes('out', hasNorm ? 'rstd' : ABSENT.rstd, hasValues ? 'v' : ABSENT.v),
        ],
        uniform: uniformBlock([
          ...[rows, heads, D, rotaryDim, H / heads, stride / width, xAt!, weightAt!, offsets.positions],
          ...[outAt!, offsets.rstd, vAt!, { f32: eps }, 0, 0, 0],
          ...frequencies,
        ]),
        workgroups: foldWorkgroups(Math.ceil(rows / (threads / lanes)), caps),
      },
    ],
    workspace: { ...(hasNorm ? {} : { [ABSENT.rstd]: 16 }), ...(hasValues ? {} : { [ABSENT.v]: 16 }) },
  };
}

/** What a problem has, as the kernels of both directions are told (norm-rope/switches.wgsl). */
export function switches(hasNorm: boolean, hasWeight: boolean, hasValues: boolean) {
  return { HAS_NORM: hasNorm ? 1 : 0, HAS_WEIGHT: hasWeight ? 1 : 0, HAS_VALUES: hasValues ? 1 : 0 };
}
