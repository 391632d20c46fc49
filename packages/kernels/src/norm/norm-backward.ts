import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import type { KernelPass, KernelPlan } from '../plan/plan.ts';
import { requireF16 } from '../plan/require-f16.ts';
import { rowElements } from '../plan/row-elements.ts';
import { rowWidth } from '../plan/row-width.ts';
import { shaderVariant } from '../plan/shader-variant.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import { reducePass } from '../reduce/reduce-pass.ts';
import inputSource from './norm-backward.wgsl';
import weightSource from './norm-weight-backward.wgsl';

const COLUMNS = 64;
const ENOUGH_WORKGROUPS = 512;
const ROWS_PER_SPLIT = 32;

/** How the gradient of a parameter is stored. */
export interface ParameterSum {
  readonly dtype: 'f32' | 'f16';
  readonly accumulate: boolean;
}

/** Gradients of `NormProblem`. An offset of null: there is no such operand. Offsets in elements. */
export interface NormBackwardProblem {
  readonly kind: 'rms' | 'layer';
  readonly dtype: 'f32' | 'f16';
  readonly rows: number;
  readonly N: number;
  /** How the gradients of weight and bias are stored, and whether they are added to; dtype of x, overwritten by default. */
  readonly weightGradient?: ParameterSum;
  readonly biasGradient?: ParameterSum;
  /** dWeight is `[2, N]`, the weight's gradient and then the bias's: one sum for both. `dBias` is null then. */
  readonly isJoint?: boolean;
  /** The gradient of x is added to dx. */
  readonly accumulate?: boolean;
  readonly offsets: {
    readonly x: number;
    readonly weight: number | null;
    readonly mean: number | null;
    readonly rstd: number;
    readonly dOut: number;
    readonly dx: number;
    readonly dWeight: number | null;
    readonly dBias: number | null;
  };
}

function inputPass(
  { kind, dtype, rows, N, accumulate = false, offsets }: NormBackwardProblem,
  caps: DeviceCapabilities,
): KernelPass {
  const hasWeight = offsets.weight !== null;
  const isLayer = kind === 'layer';
  const { x, weight, mean, rstd, dOut, dx } = offsets;
  const { width, types } = rowElements(dtype, N, [x, weight, dOut, dx]);
  return {
    label: `${kind}-norm-backward ${dtype} x${width}`,
    shader: shaderVariant(inputSource, types),
    constants: {
      WIDTH: rowWidth(N / width),
      IS_LAYER: isLayer ? 1 : 0,
      HAS_WEIGHT: hasWeight ? 1 : 0,
      ACCUMULATE: accumulate ? 1 : 0,
    },
    bindings: [
      { buffer: 'x', access: 'read' },
      { buffer: hasWeight ? 'weight' : 'x', access: 'read' },
      { buffer: isLayer ? 'mean' : 'rstd', access: 'read' },
      { buffer: 'rstd', access: 'read' },
      { buffer: 'dOut', access: 'read' },
      { buffer: 'dx', access: 'read_write' },
    ],
    uniform: uniformBlock([
      ...[rows, N / width, x / width, (weight ?? 0) / width],
      ...[mean ?? 0, rstd, dOut / width, dx / width],
    ]),
    workgroups: foldWorkgroups(rows, caps),
  };
}

function weightPasses(problem: NormBackwardProblem, splits: number, caps: DeviceCapabilities): KernelPass[] {
  const { kind, dtype, rows, N, offsets } = problem;
  const isLayer = kind === 'layer';
  const blocks = Math.ceil(N / COLUMNS);
  const partial: KernelPass = {
    label: `${kind}-norm-weight-backward ${dtype}`,
    shader: shaderVariant(weightSource, { Element: dtype }),
    constants: { IS_LAYER: isLayer ? 1 : 0 },
    bindings: [
      { buffer: 'x', access: 'read' },
      { buffer: isLayer ? 'mean' : 'rstd', access: 'read' },
      { buffer: 'rstd', access: 'read' },
      { buffer: 'dOut', access: 'read' },
      { buffer: 'partial', access: 'read_write' },
    ],
    uniform: uniformBlock([
      ...[rows, N, Math.ceil(rows / splits), blocks, offsets.x, offsets.mean ?? 0, offsets.rstd, offsets.dOut],
    ]),
    workgroups: foldWorkgroups(blocks * splits, caps),
  };
  const total = (buffer: string, offset: number, from: number, columns: number, stored?: ParameterSum) =>
    reducePass(
      {
        op: 'sum',
        x: { buffer: 'partial', dtype: 'f32', offset: from },
        out: { buffer, dtype: stored?.dtype ?? dtype, offset },
        accumulate: stored?.accumulate,
        kept: { shape: [columns], strides: [1] },
        reduced: { shape: [splits], strides: [2 * N] },
        splits: 1,
      },
      caps,
    );
  const { dWeight, dBias } = offsets;
  const passes = [partial];
  if (dWeight !== null) passes.push(total('dWeight', dWeight, 0, problem.isJoint ? 2 * N : N, problem.weightGradient));
  if (dBias !== null) passes.push(total('dBias', dBias, N, N, problem.biasGradient));
  return passes;
}

/** How rows are shared out to workgroups of so many blocks of columns: splits of `chunk` rows, none of them empty. */
export function rowSplits(rows: number, blocks: number): { chunk: number; splits: number } {
  const wanted = Math.min(Math.ceil(rows / ROWS_PER_SPLIT), Math.ceil(ENOUGH_WORKGROUPS / blocks));
  const chunk = Math.ceil(rows / Math.max(1, wanted));
  return { chunk, splits: rows === 0 ? 1 : Math.ceil(rows / chunk) };
}

/**
 * Plans the gradients of both norms. Operands: `x`, `weight`, `mean`, `rstd`, `dOut`, `dx`, `dWeight`, `dBias`
 * (`[N]`, dtype of x unless said otherwise; `dWeight` may be both), as far as their offsets are not null. Sums over rows run in a fixed order.
 *
 * @throws KernelError for f16 without `caps.f16`
 */
export function planNormBackward(problem: NormBackwardProblem, caps: DeviceCapabilities): KernelPlan {
  const { kind, dtype, rows, N, offsets } = problem;
  requireF16(`${kind} norm backward`, caps, dtype);
  if (N === 0) return { passes: [], workspace: {} };
  const passes = rows > 0 ? [inputPass(problem, caps)] : [];
  if (offsets.dWeight === null && offsets.dBias === null) return { passes, workspace: {} };
  const { splits } = rowSplits(rows, Math.ceil(N / COLUMNS));
  passes.push(...weightPasses(problem, splits, caps));
  return { passes, workspace: { partial: 8 * N * splits } };
}
