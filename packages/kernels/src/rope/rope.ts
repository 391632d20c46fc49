import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { requireDTypes } from '../plan/dtype-support.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { reads, writes } from '../plan/pass-bindings.ts';
import type { KernelPass, KernelPlan } from '../plan/plan.ts';
import { shaderVariant } from '../plan/shader-variant.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import source from './rope.wgsl';
import { ropeFrequencies } from './rope-frequencies.ts';
import vectorSource from './rope-vector.wgsl';
import { VECTOR, vectorLanes } from './rope-vectors.ts';

const WORKGROUP = 256;
/** Read-write binding that one tensor has no use for. */
const ABSENT = 'absentOutY';

/** Rotary embedding of x `[tokens, H, D]` at `positions` (i32 `[tokens]`). Offsets in elements. */
export interface RopeProblem {
  readonly dtype: 'f32' | 'f16';
  readonly tokens: number;
  readonly H: number;
  readonly D: number;
  readonly rotaryDim: number;
  readonly theta: number;
  /** Radians a position of each pair, in place of the powers of theta. */
  readonly frequencies?: readonly number[];
  /** Pairs `(2i, 2i+1)` when true, `(i, i + rotaryDim/2)` when false. */
  readonly isInterleaved: boolean;
  /** Rotate by the negative angle: the gradient. */
  readonly isInverse: boolean;
  readonly offsets: { readonly x: number; readonly positions: number; readonly out: number };
  /** A tensor y `[tokens, H, D]` that is rotated likewise: keys beside queries. */
  readonly second?: { readonly H: number; readonly offsets: { readonly y: number; readonly outY: number } };
}

/**
 * Plans a rotary embedding: pair i of each head is rotated by `position * theta^(-2i/rotaryDim)`, the frequency rounded
 * to f32. Operands: `x`, `positions`, `out`; with a second tensor `y` and `outY`, in the same pass where heads are read 16 bytes at a
 * time (`vectorLanes`). Positions up to about 100,000.
 *
 * @throws KernelError for an odd rotaryDim, one above D or above 512, and for f16 without `caps.f16`
 */
export function planRope(problem: RopeProblem, caps: DeviceCapabilities): KernelPlan {
  const { dtype, tokens, D, rotaryDim, isInterleaved, isInverse, offsets, second } = problem;
  requireDTypes('rope', caps, dtype);
  const frequencies = ropeFrequencies(D, rotaryDim, problem.theta, problem.frequencies).map(({ f32 }) => ({
    f32: isInverse ? -f32 : f32,
  }));
  if (tokens * D === 0) return { passes: [], workspace: {} };
  const starts = [offsets.x, offsets.out, second?.offsets.y, second?.offsets.outY];
  const isVector = vectorLanes({ dtype, heads: 1, D, rotaryDim, isInterleaved, starts }) !== null;
  if (isVector) return vectorPlan(problem, frequencies, caps);
  const passes = [scalarPass(problem, { x: 'x', out: 'out' }, frequencies, caps)];
  if (second) {
    const { y, outY } = second.offsets;
    const turnsY = { ...problem, H: second.H, offsets: { ...offsets, x: y, out: outY } };
    passes.push(scalarPass(turnsY, { x: 'y', out: 'outY' }, frequencies, caps));
  }
  return { passes: passes.filter(({ workgroups: [count] }) => count > 0), workspace: {} };
}

type Frequencies = ReturnType<typeof ropeFrequencies>;

/** Both tensors in one pass. */
function vectorPlan(problem: RopeProblem, frequencies: Frequencies, caps: DeviceCapabilities): KernelPlan {
  const { dtype, tokens, H, D, offsets, second } = problem;
  const lanes = (tokens * (H + (second?.H ?? 0)) * D) / (2 * VECTOR);
  if (lanes === 0) return { passes: [], workspace: {} };
  const [x, out, y, outY] = [offsets.x, offsets.out, second?.offsets.y ?? 0, second?.offsets.outY ?? 0].map(
    (start) => start / VECTOR,
  );
  const pass: KernelPass = {
    label: `rope ${dtype}${second ? ' of two' : ''} x8`,
    shader: vectorSource,
    constants: { HAS_SECOND: second ? 1 : 0 },
    bindings: [
      ...reads('x', 'positions'),
      ...writes('out'),
      ...reads(second ? 'y' : 'x'),
      ...writes(second ? 'outY' : ABSENT),
    ],
    uniform: uniformBlock([
      ...[tokens, H, D, x!, offsets.positions, out!, second?.H ?? 0, y!, outY!, 0, 0, 0],
      ...frequencies,
    ]),
    workgroups: foldWorkgroups(Math.ceil(lanes / WORKGROUP), caps),
  };
  return { passes: [pass], workspace: second ? {} : { [ABSENT]: 16 } };
}

/** One tensor, whose operands have these names, pair by pair. */
function scalarPass(
  { dtype, tokens, H, D, rotaryDim, isInterleaved, offsets }: RopeProblem,
  names: { readonly x: string; readonly out: string },
  frequencies: Frequencies,
  caps: DeviceCapabilities,
): KernelPass {
  return {
    label: `rope ${dtype}`,
    shader: shaderVariant(source, { Element: dtype }),
    constants: { IS_INTERLEAVED: isInterleaved ? 1 : 0 },
    bindings: [...reads(names.x, 'positions'), ...writes(names.out)],
    uniform: uniformBlock([...[tokens, H, D, rotaryDim, offsets.x, offsets.positions, offsets.out, 0], ...frequencies]),
    workgroups: foldWorkgroups(Math.ceil((tokens * H * (D - rotaryDim / 2)) / WORKGROUP), caps),
  };
}
