import { KERNEL_ARGMAX, KERNEL_REDUCE } from '../abi/kernels.ts';
import { REDUCE_SUM } from '../abi/operators.ts';
import type { CpuRuntime } from '../runtime/cpu-runtime.ts';
import { type CpuArray, denseArray, dtypeCode, elementCount, isConverted, isInteger, tileCount } from './cpu-array.ts';
import { copy } from './elementwise.ts';
import { FloatScope } from './float-scope.ts';
import { collapse } from './index-space.ts';
import { type CpuReduceOp, REDUCE_CODES } from './operator-codes.ts';

/** Results of a tile when they lie beside each other in x. */
const COLUMN_BLOCK = 256;
/** Elements that a tile should at least read. */
const TILE_ELEMENTS = 16384;
/** Reduced elements of a slice when there are few results. */
const SPLIT_LENGTH = 8192;

interface Axes {
  readonly sizes: number[];
  readonly strides: number[];
  readonly count: number;
}

function selectAxes(x: CpuArray, wanted: (axis: number) => boolean): Axes {
  const axes = x.shape.map((_, axis) => axis).filter(wanted);
  const dimensions = collapse(
    axes.map((axis) => x.shape[axis]),
    [axes.map((axis) => x.strides[axis])],
  );
  const sizes = dimensions.map(({ size }) => size);
  return {
    sizes,
    strides: dimensions.map(({ strides }) => strides[0]),
    count: elementCount(axes.map((axis) => x.shape[axis])),
  };
}

/**
 * Reduces the `axes` of strided x into contiguous `out`, whose shape is x's with those axes 1. The order of additions depends on the
 * shape only. Empty sums are 0, empty maxima -Inf, empty minima Inf. Integers are exact.
 */
export function reduce(
  runtime: CpuRuntime,
  op: CpuReduceOp,
  x: CpuArray,
  axes: readonly number[],
  out: CpuArray,
): void {
  if (elementCount(out.shape) === 0) return;
  if (isConverted(x.dtype) || isConverted(out.dtype)) {
    FloatScope.run(runtime, (scope) => {
      const dense = isConverted(x.dtype) ? denseArray(scope.read(x), x.shape) : x;
      reduce(runtime, op, dense, axes, denseArray(scope.write(out), out.shape));
    });
    return;
  }
  const reduced = selectAxes(x, (axis) => axes.includes(axis));
  const kept = selectAxes(x, (axis) => !axes.includes(axis));
  const integerDtype = isInteger(x.dtype) ? dtypeCode(x.dtype) : -1;
  const splits = integerDtype >= 0 || kept.count >= 4096 ? 1 : Math.max(1, tileCount(reduced.count, SPLIT_LENGTH));
  if (splits === 1) launch(runtime, REDUCE_CODES[op], integerDtype, x.address, out.address, kept, reduced, 1);
  else {
    const second = op === 'sumSquares' ? REDUCE_SUM : REDUCE_CODES[op];
    runtime.withWorkspace(splits * kept.count * 4, (partials) => {
      launch(runtime, REDUCE_CODES[op], integerDtype, x.address, partials, kept, reduced, splits);
      addPartials(runtime, partials, splits, kept.count, out.address, second);
    });
  }
}

/** out[n] = op over p of partials[p, n], in order. */
export function addPartials(
  runtime: CpuRuntime,
  partials: number,
  splits: number,
  n: number,
  out: number,
  op: number = REDUCE_SUM,
): void {
  const kept = { sizes: [n], strides: [1], count: n };
  launch(runtime, op, -1, partials, out, kept, { sizes: [splits], strides: [n], count: splits }, 1);
}

function launch(
  runtime: CpuRuntime,
  op: number,
  integerDtype: number,
  x: number,
  out: number,
  kept: Axes,
  reduced: Axes,
  splits: number,
): void {
  const innermost = kept.sizes.length - 1;
  const isColumns =
    integerDtype < 0 && kept.strides[innermost] === 1 && reduced.strides.at(-1) !== 1 && kept.sizes[innermost] >= 4;
  const columns = isColumns ? kept.sizes[innermost] : 0;
  const blockLength = isColumns ? COLUMN_BLOCK : Math.max(1, Math.floor(TILE_ELEMENTS / Math.max(1, reduced.count)));
  const blocks = isColumns
    ? (kept.count / columns) * tileCount(columns, blockLength)
    : tileCount(kept.count, blockLength);
  const splitLength = Math.ceil(reduced.count / splits);
  const words = new Int32Array(12 + 32);
  // A reduction over nothing but axes of length 1 still has one step of length 1.
  const reducedSizes = reduced.sizes.length === 0 ? [1] : reduced.sizes;
  const reducedStrides = reduced.sizes.length === 0 ? [1] : reduced.strides;
  words.set([
    op,
    integerDtype,
    x,
    out,
    kept.sizes.length,
    reducedSizes.length,
    kept.count,
    reduced.count,
    splitLength,
    blockLength,
    blocks,
    columns,
  ]);
  words.set(kept.sizes, 12);
  words.set(kept.strides, 20);
  words.set(reducedSizes, 28);
  words.set(reducedStrides, 36);
  runtime.launch(KERNEL_REDUCE, blocks * splits, words);
}

/** Index (i32) of the first maximum along the last axis of contiguous x; a NaN counts as the largest. */
export function argmax(runtime: CpuRuntime, x: CpuArray, out: CpuArray): void {
  const rows = elementCount(out.shape);
  const n = x.shape[x.shape.length - 1] ?? 1;
  const rowsPerTile = Math.max(1, Math.floor(TILE_ELEMENTS / n));
  FloatScope.run(runtime, (scope) => {
    const integerDtype = isInteger(x.dtype) ? dtypeCode(x.dtype) : -1;
    const isDense =
      isConverted(x.dtype) ||
      denseArray(0, x.shape).strides.every((stride, axis) => x.shape[axis] === 1 || stride === x.strides[axis]);
    let address = scope.read(x);
    if (!isDense) {
      address = scope.workspace(rows * n * 4);
      copy(runtime, x, denseArray(address, x.shape, x.dtype));
    }
    runtime.launch(KERNEL_ARGMAX, tileCount(rows, rowsPerTile), [
      address,
      out.address,
      rows,
      n,
      rowsPerTile,
      integerDtype,
    ]);
  });
}
