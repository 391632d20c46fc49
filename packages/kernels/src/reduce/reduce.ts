import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { requireDTypes } from '../plan/dtype-support.ts';
import { elementCount } from '../plan/element-count.ts';
import { KernelError } from '../plan/kernel-error.ts';
import type { KernelDType, KernelPlan } from '../plan/plan.ts';
import { collapseLayout, MAX_STRIDED_RANK, type StridedOperand } from '../plan/strided-layout.ts';
import { areSummableColumns, type ColumnSums, columnSumsPass } from './column-sums.ts';
import {
  accumulatorOf,
  type Dimensions,
  MOST_COLUMN_LANES,
  type Reduction,
  reduceLanes,
  reducePass,
} from './reduce-pass.ts';

/** Workgroups that keep a large device busy. */
const ENOUGH_WORKGROUPS = 512;
/** Elements a lane should at least add up before the work is cut further. */
const ELEMENTS_PER_LANE = 16;

/** Rows from which on a kernel of its own sums columns. */
const SHORT_COLUMN = 32;

/** Sum, maximum, minimum or sum of squares of strided `x` over some axes. */
export interface ReduceProblem {
  readonly op: Reduction;
  readonly shape: readonly number[];
  /** Any axes; none copies (or squares). */
  readonly axes: readonly number[];
  readonly x: StridedOperand;
  /** Contiguous, one element for each combination of the kept axes. */
  readonly out: { readonly dtype: KernelDType; readonly offset: number };
  /** A sum is added to what is in out. */
  readonly accumulate?: boolean;
}

function part({ shape, x }: ReduceProblem, isPart: (axis: number) => boolean): Dimensions {
  const pick = (values: readonly number[]) => values.filter((_, axis) => isPart(axis));
  const { shape: merged, strides } = collapseLayout(pick(shape), [pick(x.strides)]);
  return { shape: merged, strides: strides[0]! };
}

/**
 * Columns so short that as many lanes as fit are soon through with them: they need no second pass, which would cost more than the
 * loads that lie apart.
 */
function areShortColumns(kept: Dimensions, reduced: Dimensions): boolean {
  return (
    !reduceLanes(kept, reduced).isInnermost && elementCount(reduced.shape) <= MOST_COLUMN_LANES * ELEMENTS_PER_LANE
  );
}

/** The reduction as sums of long columns, or null when it is none. */
function columnsOf(
  { op, x, out, accumulate }: ReduceProblem,
  kept: Dimensions,
  reduced: Dimensions,
): ColumnSums | null {
  const isMatrix = kept.shape.length === 1 && kept.strides[0] === 1 && reduced.shape.length === 1;
  if (op !== 'sum' || !isMatrix || reduced.shape[0]! < SHORT_COLUMN) return null;
  const from = { buffer: 'x', dtype: x.dtype, offset: x.offset };
  const to = { buffer: 'out', dtype: out.dtype, offset: out.offset };
  const sizes = { rows: reduced.shape[0]!, columns: kept.shape[0]!, stride: reduced.strides[0]! };
  const sums = { x: from, out: to, ...sizes, accumulate };
  return areSummableColumns(sums) ? sums : null;
}

function splitsFor(kept: Dimensions, reduced: Dimensions): number {
  const { lanes } = reduceLanes(kept, reduced);
  const blocks = Math.ceil(elementCount(kept.shape) / (256 / lanes));
  const worthwhile = Math.floor(elementCount(reduced.shape) / (lanes * ELEMENTS_PER_LANE));
  return Math.max(1, Math.min(worthwhile, Math.ceil(ENOUGH_WORKGROUPS / blocks)));
}

/**
 * Plans a reduction in a fixed order: lanes of a workgroup, a tree, and for long reductions a second pass over parts.
 * Operands: `x`, `out`. NaN propagates through `max` and `min`. Empty reductions give the identity.
 *
 * @throws KernelError when the kept or the reduced axes do not merge into six dimensions, and for f16 without `caps.f16`
 */
export function planReduce(problem: ReduceProblem, caps: DeviceCapabilities): KernelPlan {
  const { op, axes, x, out, accumulate } = problem;
  requireDTypes(`reduce ${op}`, caps, x.dtype, out.dtype);
  const kept = part(problem, (axis) => !axes.includes(axis));
  const reduced = part(problem, (axis) => axes.includes(axis));
  const rank = Math.max(kept.shape.length, reduced.shape.length);
  if (rank > MAX_STRIDED_RANK) {
    throw new KernelError(
      `kernels: reduce ${op} needs at most ${MAX_STRIDED_RANK} dimensions that do not merge, got ${rank}. Make x contiguous first.`,
      { shape: problem.shape, strides: x.strides },
    );
  }
  const outputs = elementCount(kept.shape);
  if (outputs === 0) return { passes: [], workspace: {} };
  const columns = columnsOf(problem, kept, reduced);
  if (columns !== null) return { passes: [columnSumsPass(columns, caps)], workspace: {} };
  const wanted = splitsFor(kept, reduced);
  const lanes = wanted > 1 && areShortColumns(kept, reduced) ? MOST_COLUMN_LANES : undefined;
  const splits = lanes ? 1 : wanted;
  const from = { buffer: 'x', dtype: x.dtype, offset: x.offset };
  const to = { buffer: 'out', dtype: out.dtype, offset: out.offset };
  if (splits === 1)
    return {
      passes: [reducePass({ op, x: from, out: to, kept, reduced, splits, lanes, accumulate }, caps)],
      workspace: {},
    };

  const parts = { buffer: 'parts', dtype: accumulatorOf(x.dtype), offset: 0 };
  const first = reducePass({ op, x: from, out: parts, kept, reduced, splits }, caps);
  const second = reducePass(
    {
      op: op === 'sumSquares' ? 'sum' : op,
      x: parts,
      out: to,
      kept: { shape: [outputs], strides: [1] },
      reduced: { shape: [splits], strides: [outputs] },
      splits: 1,
      accumulate,
    },
    caps,
  );
  return { passes: [first, second], workspace: { parts: 4 * splits * outputs } };
}
