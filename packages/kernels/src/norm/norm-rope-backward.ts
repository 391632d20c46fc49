import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { requireDTypes } from '../plan/dtype-support.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { reads, writes } from '../plan/pass-bindings.ts';
import type { KernelPass, KernelPlan } from '../plan/plan.ts';
import { shaderVariant } from '../plan/shader-variant.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import { partSumsPass } from '../reduce/column-sums.ts';
import { ropeFrequencies } from '../rope/rope-frequencies.ts';
import { VECTOR, VECTOR_THREADS, vectorLanes } from '../rope/rope-vectors.ts';
import { rowSplits } from './norm-backward.ts';
import { ABSENT, type NormRopeProblem, rowLanes, switches } from './norm-rope.ts';
import inputSource from './norm-rope-backward.wgsl';
import vectorSource from './norm-rope-vector-backward.wgsl';
import weightSource from './norm-rope-weight-backward.wgsl';

/** Gradients of a `NormRopeProblem` with all components rotated. Offsets in elements; null: there is no such operand. */
export interface NormRopeBackwardProblem
  extends Pick<
    NormRopeProblem,
    'dtype' | 'tokens' | 'H' | 'D' | 'scope' | 'theta' | 'frequencies' | 'isInterleaved' | 'stride'
  > {
  /** How the weight's gradient is stored, and whether it is added to; dtype of x, overwritten by default. */
  readonly weightGradient?: { readonly dtype: 'f32' | 'f16'; readonly accumulate: boolean };
  readonly offsets: {
    readonly x: number;
    readonly weight: number | null;
    readonly positions: number;
    readonly rstd: number;
    readonly dOut: number;
    readonly dx: number;
    readonly dWeight: number | null;
    /** With values: their gradient, put behind that of the keys in dx. */
    readonly dV?: number;
  };
}

const COLUMNS = 64;
/** Workgroups that make parts of a weight's gradient. */
const ENOUGH_WORKGROUPS = 256;

/**
 * Plans dx and the weight's gradient of `planNormRope`: the rotation back, the norm and the copy of the values' gradient in one pass.
 * Operands: `x` and `rstd` (unless the scope is `none`), `weight` (unless null), `positions`, `dOut [tokens, H, D]`, `dV` with values,
 * `dx` (a token every `stride` elements, as x), `dWeight` (unless null). Sums over rows run in a fixed order.
 *
 * @param mostParts of the weight's gradient, where one pass makes them and dx
 * @throws KernelError for an odd D or one above 512, and for f16 without `caps.f16`
 */
export function planNormRopeBackward(
  problem: NormRopeBackwardProblem,
  caps: DeviceCapabilities,
  mostParts = ENOUGH_WORKGROUPS,
): KernelPlan {
  const { dtype, tokens, H, D, scope, offsets } = problem;
  requireDTypes('norm and rope backward', caps, dtype);
  if (tokens * H * D > 0) {
    const lanes = lanesOf(problem);
    if (lanes !== null) return vectorPlan(problem, lanes, mostParts, caps);
  }
  const heads = scope === 'head' ? 1 : H;
  const N = heads * D;
  if (N === 0) return { passes: [], workspace: {} };
  const rows = (tokens * H) / heads;
  const passes = rows > 0 ? [inputPass(problem, heads, rows, caps)] : [];
  if (offsets.dWeight === null) return { passes, workspace: {} };
  const { chunk, splits } = rowSplits(rows, Math.ceil(N / COLUMNS));
  passes.push(weightPass(problem, heads, rows, chunk, splits, caps), totalPass(problem, N, splits, caps));
  return { passes, workspace: { partial: 4 * N * splits } };
}

/** Adds the parts of the weight's gradient. */
function totalPass(problem: NormRopeBackwardProblem, N: number, splits: number, caps: DeviceCapabilities): KernelPass {
  const { dtype, weightGradient, offsets } = problem;
  return partSumsPass(
    {
      x: { buffer: 'partial', dtype: 'f32', offset: 0 },
      out: { buffer: 'dWeight', dtype: weightGradient?.dtype ?? dtype, offset: offsets.dWeight ?? 0 },
      rows: splits,
      columns: N,
      stride: N,
      accumulate: weightGradient?.accumulate,
    },
    caps,
  );
}

function lanesOf({ dtype, H, D, scope, isInterleaved, stride = H * D, offsets }: NormRopeBackwardProblem) {
  const { x, weight, dOut, dV, dx } = offsets;
  const heads = scope === 'full' ? H : 1;
  return vectorLanes({ dtype, heads, D, rotaryDim: D, isInterleaved, starts: [stride, x, weight, dOut, dV, dx] });
}

/** All gradients in one pass but the last sum of the weight's. */
function vectorPlan(
  problem: NormRopeBackwardProblem,
  lanes: number,
  mostParts: number,
  caps: DeviceCapabilities,
): KernelPlan {
  const { dtype, tokens, H, D, scope, stride = H * D, offsets } = problem;
  const heads = scope === 'full' ? H : 1;
  const rows = (tokens * H) / heads;
  const hasNorm = scope !== 'none';
  const hasWeight = offsets.weight !== null;
  const hasValues = offsets.dV !== undefined;
  const hasWeightGradient = offsets.dWeight !== null;
  const blocks = Math.ceil(rows / (VECTOR_THREADS / lanes));
  const chunk = hasWeightGradient ? Math.ceil(blocks / mostParts) : 1;
  const workgroups = Math.ceil(blocks / chunk);
  const inElements = {
    ...offsets,
    x: offsets.x / VECTOR,
    weight: (offsets.weight ?? 0) / VECTOR,
    dOut: offsets.dOut / VECTOR,
    dV: (offsets.dV ?? 0) / VECTOR,
    dx: offsets.dx / VECTOR,
  };
  const pass: KernelPass = {
    label: `norm-rope-backward ${scope} ${dtype}${hasValues ? ' and values' : ''}${hasWeightGradient ? ' and weight' : ''} x8`,
    shader: vectorSource,
    constants: {
      THREADS: VECTOR_THREADS,
      LANES: lanes,
      ...switches(hasNorm, hasWeight, hasValues),
      HAS_WEIGHT_GRADIENT: hasWeightGradient ? 1 : 0,
      PARTS: VECTOR_THREADS * (hasWeightGradient ? 9 : 1),
    },
    bindings: [...bindingsOf(problem), ...writes(hasWeightGradient ? 'partial' : ABSENT.partial)],
    uniform: params({ ...problem, stride: stride / VECTOR, offsets: inElements }, heads, rows, chunk),
    workgroups: foldWorkgroups(workgroups, caps),
  };
  if (!hasWeightGradient) return { passes: [pass], workspace: { [ABSENT.partial]: 16 } };
  return {
    passes: [pass, totalPass(problem, heads * D, workgroups, caps)],
    workspace: { partial: 4 * heads * D * workgroups },
  };
}

/** What both kernels bind first; what a problem does without is `dOut` again. */
function bindingsOf({ scope, offsets }: NormRopeBackwardProblem): KernelPass['bindings'] {
  const hasNorm = scope !== 'none';
  return [
    ...reads(
      hasNorm ? 'x' : 'dOut',
      offsets.weight === null ? 'dOut' : 'weight',
      'positions',
      hasNorm ? 'rstd' : 'dOut',
      'dOut',
      offsets.dV === undefined ? 'dOut' : 'dV',
    ),
    ...writes('dx'),
  ];
}

function params(problem: NormRopeBackwardProblem, heads: number, rows: number, chunk: number): ArrayBuffer {
  const { H, D, theta, frequencies, stride = H * D, offsets } = problem;
  return uniformBlock([
    ...[rows, heads, D, H / heads, stride, offsets.x, offsets.weight ?? 0, offsets.positions],
    ...[offsets.rstd, offsets.dOut, offsets.dV ?? 0, offsets.dx, chunk, Math.ceil((heads * D) / COLUMNS), 0, 0],
    ...ropeFrequencies(D, D, theta, frequencies),
  ]);
}

function inputPass(
  problem: NormRopeBackwardProblem,
  heads: number,
  rows: number,
  caps: DeviceCapabilities,
): KernelPass {
  const { dtype, D, scope, isInterleaved, offsets } = problem;
  const hasNorm = scope !== 'none';
  const hasWeight = offsets.weight !== null;
  const hasValues = offsets.dV !== undefined;
  const { threads, lanes } = rowLanes((heads * D) / 2);
  return {
    label: `norm-rope-backward ${scope} ${dtype}${hasValues ? ' and values' : ''}`,
    shader: shaderVariant(inputSource, { Element: dtype }),
    constants: {
      THREADS: threads,
      LANES: lanes,
      ...switches(hasNorm, hasWeight, hasValues),
      IS_INTERLEAVED: isInterleaved ? 1 : 0,
    },
    bindings: [...bindingsOf(problem)],
    uniform: params(problem, heads, rows, 0),
    workgroups: foldWorkgroups(Math.ceil(rows / (threads / lanes)), caps),
  };
}

function weightPass(
  problem: NormRopeBackwardProblem,
  heads: number,
  rows: number,
  chunk: number,
  splits: number,
  caps: DeviceCapabilities,
): KernelPass {
  const { dtype, D, isInterleaved } = problem;
  return {
    label: `norm-rope-weight-backward ${dtype}`,
    shader: shaderVariant(weightSource, { Element: dtype }),
    constants: { IS_INTERLEAVED: isInterleaved ? 1 : 0 },
    bindings: [...reads('x', 'positions', 'rstd', 'dOut'), ...writes('partial')],
    uniform: params(problem, heads, rows, chunk),
    workgroups: foldWorkgroups(Math.ceil((heads * D) / COLUMNS) * splits, caps),
  };
}
