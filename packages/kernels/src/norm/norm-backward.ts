import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { requireDTypes } from '../plan/dtype-support.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { reads, writes } from '../plan/pass-bindings.ts';
import type { KernelPass, KernelPlan } from '../plan/plan.ts';
import { rowElements } from '../plan/row-elements.ts';
import { rowWidth } from '../plan/row-width.ts';
import { shaderVariant } from '../plan/shader-variant.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import { partSumsPass } from '../reduce/column-sums.ts';
import inputSource from './norm-backward.wgsl';
import rowsSource from './norm-rows-backward.wgsl';
import weightSource from './norm-weight-backward.wgsl';

const COLUMNS = 64;
const ENOUGH_WORKGROUPS = 512;
const ROWS_PER_SPLIT = 32;
/**
 * Numbers in the parts of the weights' gradients where one pass makes them and dx: enough parts to keep a large device busy with few
 * rows each, few enough to be summed soon. Measured on an H200 for N of 256 to 1,024.
 */
const JOINED_NUMBERS = 2 ** 20;
const MOST_JOINED_SPLITS = 4096;
/** Elements of four that a lane holds of a row there. */
const MOST_SLOTS = 4;

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

/** What both kernels that make dx have alike. */
function inputParts({ kind, dtype, rows, N, accumulate = false, offsets }: NormBackwardProblem, width: number) {
  const hasWeight = offsets.weight !== null;
  const isLayer = kind === 'layer';
  const { x, weight, mean, rstd, dOut, dx } = offsets;
  return {
    label: `${kind}-norm-backward ${dtype} x${width}`,
    constants: {
      WIDTH: rowWidth(N / width),
      IS_LAYER: isLayer ? 1 : 0,
      HAS_WEIGHT: hasWeight ? 1 : 0,
      ACCUMULATE: accumulate ? 1 : 0,
    },
    bindings: [...reads('x', hasWeight ? 'weight' : 'x', isLayer ? 'mean' : 'rstd', 'rstd', 'dOut'), ...writes('dx')],
    numbers: [...[rows, N / width, x / width, (weight ?? 0) / width], ...[mean ?? 0, rstd, dOut / width, dx / width]],
  } as const;
}

function elementsOf({ dtype, N, offsets: { x, weight, dOut, dx } }: NormBackwardProblem) {
  return rowElements(dtype, N, [x, weight, dOut, dx]);
}

function inputPass(problem: NormBackwardProblem, caps: DeviceCapabilities): KernelPass {
  const { width, types } = elementsOf(problem);
  const { numbers, ...parts } = inputParts(problem, width);
  const shader = shaderVariant(inputSource, types);
  return { ...parts, shader, uniform: uniformBlock([...numbers]), workgroups: foldWorkgroups(problem.rows, caps) };
}

/** Rows of a split where one pass makes dx and the parts of the parameters' gradients; null where rows are long or not aligned. */
function joinedChunk(problem: NormBackwardProblem, splits: number): number | null {
  const { rows, N } = problem;
  const { width } = elementsOf(problem);
  if (splits === 0 || width !== 4 || rows === 0 || N / 4 > MOST_SLOTS * rowWidth(N / 4)) return null;
  return Math.ceil(rows / splits);
}

function joinedPass(problem: NormBackwardProblem, chunk: number, caps: DeviceCapabilities): KernelPass {
  const { dtype, rows, N } = problem;
  const { numbers, label, constants, bindings } = inputParts(problem, 4);
  const slots = Math.ceil(N / 4 / constants.WIDTH);
  return {
    label: `${label} with weights`,
    constants,
    shader: shaderVariant(rowsSource, { Element: `vec4<${dtype}>`, SLOTS: `${slots}u` }),
    bindings: [...bindings, ...writes('partial')],
    uniform: uniformBlock([...numbers, chunk, 0, 0, 0]),
    workgroups: foldWorkgroups(Math.ceil(rows / chunk), caps),
  };
}

function partialPass(problem: NormBackwardProblem, splits: number, caps: DeviceCapabilities): KernelPass {
  const { kind, dtype, rows, N, offsets } = problem;
  const isLayer = kind === 'layer';
  const blocks = Math.ceil(N / COLUMNS);
  return {
    label: `${kind}-norm-weight-backward ${dtype}`,
    shader: shaderVariant(weightSource, { Element: dtype }),
    constants: { IS_LAYER: isLayer ? 1 : 0 },
    bindings: [...reads('x', isLayer ? 'mean' : 'rstd', 'rstd', 'dOut'), ...writes('partial')],
    uniform: uniformBlock([
      ...[rows, N, Math.ceil(rows / splits), blocks, offsets.x, offsets.mean ?? 0, offsets.rstd, offsets.dOut],
    ]),
    workgroups: foldWorkgroups(blocks * splits, caps),
  };
}

/** Sums of the parts. */
function totalPasses(problem: NormBackwardProblem, splits: number, caps: DeviceCapabilities): KernelPass[] {
  const { dtype, N, offsets } = problem;
  const total = (buffer: string, offset: number, from: number, columns: number, stored?: ParameterSum) =>
    partSumsPass(
      {
        x: { buffer: 'partial', dtype: 'f32', offset: from },
        out: { buffer, dtype: stored?.dtype ?? dtype, offset },
        rows: splits,
        columns,
        stride: 2 * N,
        accumulate: stored?.accumulate,
      },
      caps,
    );
  const { dWeight, dBias } = offsets;
  const passes: KernelPass[] = [];
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
 * @param joined parts of the weights' gradients where one pass makes them and dx; 0 for two passes
 * @throws KernelError for f16 without `caps.f16`
 */
export function planNormBackward(
  problem: NormBackwardProblem,
  caps: DeviceCapabilities,
  joined = Math.min(MOST_JOINED_SPLITS, Math.ceil(JOINED_NUMBERS / problem.N)),
): KernelPlan {
  const { kind, dtype, rows, N, offsets } = problem;
  requireDTypes(`${kind} norm backward`, caps, dtype);
  if (N === 0) return { passes: [], workspace: {} };
  if (offsets.dWeight === null && offsets.dBias === null) {
    return { passes: rows > 0 ? [inputPass(problem, caps)] : [], workspace: {} };
  }
  const chunk = joinedChunk(problem, joined);
  const splits = chunk ? Math.ceil(rows / chunk) : rowSplits(rows, Math.ceil(N / COLUMNS)).splits;
  const passes = chunk
    ? [joinedPass(problem, chunk, caps)]
    : [...(rows > 0 ? [inputPass(problem, caps)] : []), partialPass(problem, splits, caps)];
  return { passes: [...passes, ...totalPasses(problem, splits, caps)], workspace: { partial: 8 * N * splits } };
}
