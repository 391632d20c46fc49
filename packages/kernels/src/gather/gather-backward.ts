import { planFill } from '../copy/copy.ts';
import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { requireDTypes } from '../plan/dtype-support.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { reads, writes } from '../plan/pass-bindings.ts';
import type { KernelDType, KernelPass, KernelPlan } from '../plan/plan.ts';
import { shaderVariant } from '../plan/shader-variant.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import { accumulatorOf } from '../reduce/reduce-pass.ts';
import source from './gather-backward.wgsl';
import linksSource from './gather-links.wgsl';

const COLUMNS = 64;
/** Positions of a workgroup of gather-links.wgsl. */
const LINKED_POSITIONS = 32;

/** The adjoint of a gather: dx `[R, N, I]` from dOut `[R, J, I]`. Offsets in elements. */
export interface GatherBackwardProblem {
  readonly dOutDtype: KernelDType;
  /** A float for a float; integers, which add up modulo 2^32, have that of dOut. */
  readonly dxDtype: KernelDType;
  readonly R: number;
  readonly N: number;
  readonly I: number;
  readonly J: number;
  /** Sums are added to what is in dx: rows that no index names are not touched. */
  readonly accumulate?: boolean;
  readonly offsets: { readonly dOut: number; readonly index: number; readonly dx: number };
}

/**
 * Plans `dx[:, n, :] = sum of dOut[:, j, :] where index[j] = n`, in ascending j, f32 sums (integer ones of integers), without atomics:
 * equal indices are chained (J^2 comparisons), then the first of each chain adds it up.
 * Operands: `dOut`, `index`, `dx` (overwritten, or added to). Indices outside 0..N-1 contribute nothing.
 *
 * @throws KernelError for f16 without `caps.f16`
 */
export function planGatherBackward(problem: GatherBackwardProblem, caps: DeviceCapabilities): KernelPlan {
  const { dOutDtype, dxDtype, R, N, I, J, accumulate = false, offsets } = problem;
  requireDTypes('gather backward', caps, dOutDtype, dxDtype);
  const clear = planFill({ dtype: dxDtype, size: R * N * I, offset: offsets.dx, value: 0 }, caps);
  const passes: KernelPass[] = (accumulate ? [] : clear.passes).map((pass) => ({
    ...pass,
    bindings: writes('dx'),
  }));
  if (R * N * I * J === 0) return { passes, workspace: {} };
  const blocks = Math.ceil(I / COLUMNS);
  passes.push(linksPass(J, N, offsets.index, caps));
  passes.push({
    label: `gather-backward ${dOutDtype} to ${dxDtype}`,
    shader: shaderVariant(source, { Gradient: dOutDtype, Output: dxDtype, Sum: accumulatorOf(dOutDtype) }),
    constants: { ACCUMULATE: accumulate ? 1 : 0 },
    bindings: [...reads('dOut', 'index', 'links'), ...writes('dx')],
    uniform: uniformBlock([R, N, I, J, offsets.dOut, offsets.index, offsets.dx, blocks]),
    workgroups: foldWorkgroups(R * J * blocks, caps),
  });
  return { passes, workspace: { links: 4 * J } };
}

/** Chains equal indices: `links` as gather-links.wgsl says. */
function linksPass(J: number, N: number, indexOffset: number, caps: DeviceCapabilities): KernelPass {
  const isVector = J % 4 === 0 && indexOffset % 4 === 0;
  return {
    label: `gather-links${isVector ? ' vec4' : ''}`,
    shader: shaderVariant(linksSource, { Block: isVector ? 'vec4<i32>' : 'i32' }),
    constants: { WIDTH: isVector ? 4 : 1 },
    bindings: [...reads('index'), ...writes('links')],
    uniform: uniformBlock([J, N, indexOffset, 0]),
    workgroups: foldWorkgroups(Math.ceil(J / LINKED_POSITIONS), caps),
  };
}
