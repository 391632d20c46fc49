// Reductions of strided arrays. A tile is one block of results over one slice ("split") of the reduced elements, so that few results of
// many elements still make many tiles; slices are combined by a second call. The order of additions depends on shapes only.
import { DTYPE_U32, REDUCE_MAX, REDUCE_MIN, REDUCE_SUM, REDUCE_SUM_SQUARES } from '../src/abi/operators';
import { maxLanes, multiplyAdd, sumLanes } from './simd-math';
import { scratch } from './thread';

@unmanaged
class ReduceArguments {
  op: i32;
  /** -1 for f32, else an integer dtype. */
  integerDtype: i32;
  x: usize;
  out: usize;
  keptRank: i32;
  reducedRank: i32;
  keptCount: i32;
  reducedCount: i32;
  /** Reduced elements of a split. */
  splitLength: i32;
  /** Results of a tile; in column mode they lie beside each other in x. */
  blockLength: i32;
  blocks: i32;
  /** Length of the innermost kept dimension when x is contiguous along it and that is the faster way, else 0. */
  columns: i32;
}

const KEPT_SIZES: usize = 48;
const KEPT_STRIDES: usize = KEPT_SIZES + 32;
const REDUCED_SIZES: usize = KEPT_STRIDES + 32;
const REDUCED_STRIDES: usize = REDUCED_SIZES + 32;

/** Element offset of a flat index in a space of up to 8 dimensions. */
function offsetOf(flat: u32, sizes: usize, strides: usize, rank: i32): i32 {
  let offset = 0;
  for (let axis = rank - 1; axis >= 0; axis--) {
    const size = load<u32>(sizes + (axis << 2));
    const quotient = flat / size;
    offset += (flat - quotient * size) * load<i32>(strides + (axis << 2));
    flat = quotient;
  }
  return offset;
}

// @ts-ignore: decorator
@inline function combine4(op: i32, accumulator: v128, x: v128): v128 {
  if (op == REDUCE_SUM) return f32x4.add(accumulator, x);
  if (op == REDUCE_MAX) return f32x4.max(accumulator, x);
  if (op == REDUCE_MIN) return f32x4.min(accumulator, x);
  return multiplyAdd(x, x, accumulator);
}

// @ts-ignore: decorator
@inline function combine(op: i32, accumulator: f32, x: f32): f32 {
  if (op == REDUCE_SUM) return accumulator + x;
  if (op == REDUCE_MAX) return max<f32>(accumulator, x);
  if (op == REDUCE_MIN) return min<f32>(accumulator, x);
  return accumulator + x * x;
}

// @ts-ignore: decorator
@inline function identity(op: i32): f32 {
  if (op == REDUCE_MAX) return -Infinity;
  if (op == REDUCE_MIN) return Infinity;
  return 0;
}

/** n contiguous f32, 16 running results. */
// @ts-ignore: decorator
@inline function run(op: i32, x: usize, n: i32): f32 {
  const start = f32x4.splat(identity(op));
  let r0 = start, r1 = start, r2 = start, r3 = start;
  let i = 0;
  for (; i + 16 <= n; i += 16) {
    const at = x + (i << 2);
    r0 = combine4(op, r0, v128.load(at));
    r1 = combine4(op, r1, v128.load(at, 16));
    r2 = combine4(op, r2, v128.load(at, 32));
    r3 = combine4(op, r3, v128.load(at, 48));
  }
  let result: f32;
  if (op == REDUCE_MAX) result = maxLanes(f32x4.max(f32x4.max(r0, r1), f32x4.max(r2, r3)));
  else if (op == REDUCE_MIN) result = -maxLanes(f32x4.neg(f32x4.min(f32x4.min(r0, r1), f32x4.min(r2, r3))));
  else result = sumLanes(f32x4.add(f32x4.add(r0, r1), f32x4.add(r2, r3)));
  for (; i < n; i++) result = combine(op, result, load<f32>(x + (i << 2)));
  return result;
}

/** Elements whose sums are halved no further: 16 running results of 32 each. */
const PAIRWISE = 512;
/** The same where each element has one running result. */
const PAIRWISE_SINGLE = 32;

/** A sum of halves, so that its error grows with the logarithm of n. */
function sumRun(x: usize, n: i32): f32 {
  if (n <= PAIRWISE) return run(REDUCE_SUM, x, n);
  const half = (n >> 1) & ~15;
  return sumRun(x, half) + sumRun(x + (half << 2), n - half);
}

function squaresRun(x: usize, n: i32): f32 {
  if (n <= PAIRWISE) return run(REDUCE_SUM_SQUARES, x, n);
  const half = (n >> 1) & ~15;
  return squaresRun(x, half) + squaresRun(x + (half << 2), n - half);
}

function contiguousRun(op: i32, x: usize, n: i32): f32 {
  if (op == REDUCE_SUM) return sumRun(x, n);
  if (op == REDUCE_MAX) return run(REDUCE_MAX, x, n);
  if (op == REDUCE_MIN) return run(REDUCE_MIN, x, n);
  return squaresRun(x, n);
}

function join(op: i32, a: f32, b: f32): f32 {
  if (op == REDUCE_MAX) return max<f32>(a, b);
  if (op == REDUCE_MIN) return min<f32>(a, b);
  return a + b;
}

function stridedRun(op: i32, x: usize, stride: i32, n: i32): f32 {
  if (n > PAIRWISE_SINGLE) {
    const half = n >> 1;
    return join(op, stridedRun(op, x, stride, half), stridedRun(op, x + ((half * stride) << 2), stride, n - half));
  }
  let result = identity(op);
  for (let i = 0; i < n; i++) result = join(op, result, combine(op, identity(op), load<f32>(x + ((i * stride) << 2))));
  return result;
}

/** Reduced elements first .. last-1 of the result whose first element is at `base`. */
function reduceOne(args: usize, base: usize, first: i32, last: i32): f32 {
  const a = changetype<ReduceArguments>(args);
  const inner = a.reducedRank - 1;
  const innerSize = load<i32>(args + REDUCED_SIZES + (inner << 2));
  const innerStride = load<i32>(args + REDUCED_STRIDES + (inner << 2));
  if (last - first > PAIRWISE && innerSize <= PAIRWISE) {
    const middle = first + ((last - first) >> 1);
    return join(a.op, reduceOne(args, base, first, middle), reduceOne(args, base, middle, last));
  }
  let result = identity(a.op);
  for (let i = first; i < last; ) {
    const n = min(last - i, innerSize - (i % innerSize));
    const x = base + (offsetOf(i, args + REDUCED_SIZES, args + REDUCED_STRIDES, a.reducedRank) << 2);
    result = join(a.op, result, innerStride == 1 ? contiguousRun(a.op, x, n) : stridedRun(a.op, x, innerStride, n));
    i += n;
  }
  return result;
}

function reduceInteger(args: usize, base: usize, first: i32, last: i32): i32 {
  const a = changetype<ReduceArguments>(args);
  const isUnsigned = a.integerDtype == DTYPE_U32;
  let result: i64 = a.op == REDUCE_MAX ? (isUnsigned ? 0 : i32.MIN_VALUE) : a.op == REDUCE_MIN ? (isUnsigned ? u32.MAX_VALUE : i32.MAX_VALUE) : 0;
  for (let i = first; i < last; i++) {
    const address = base + (offsetOf(i, args + REDUCED_SIZES, args + REDUCED_STRIDES, a.reducedRank) << 2);
    const x: i64 = isUnsigned ? <i64>load<u32>(address) : <i64>load<i32>(address);
    if (a.op == REDUCE_MAX) result = max(result, x);
    else if (a.op == REDUCE_MIN) result = min(result, x);
    else result += a.op == REDUCE_SUM ? x : x * x;
  }
  return <i32>result;
}

// @ts-ignore: decorator
@inline function addColumns(op: i32, x: usize, accumulators: usize, n: i32): void {
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const at = accumulators + (i << 2);
    v128.store(at, combine4(op, v128.load(at), v128.load(x + (i << 2))));
  }
  for (; i < n; i++) {
    const at = accumulators + (i << 2);
    store<f32>(at, combine(op, load<f32>(at), load<f32>(x + (i << 2))));
  }
}

/** Bytes of the running results of a block of columns. */
const COLUMN_BYTES: usize = 1024;

/** n results beside each other, all reduced elements first .. last-1, into `accumulators`; halves in turn go behind them. */
function reduceColumns(args: usize, base: usize, first: i32, last: i32, n: i32, accumulators: usize): void {
  const a = changetype<ReduceArguments>(args);
  const op = a.op;
  if (last - first > PAIRWISE_SINGLE) {
    const middle = first + ((last - first) >> 1);
    reduceColumns(args, base, first, middle, n, accumulators);
    reduceColumns(args, base, middle, last, n, accumulators + COLUMN_BYTES);
    if (op == REDUCE_MAX) addColumns(REDUCE_MAX, accumulators + COLUMN_BYTES, accumulators, n);
    else if (op == REDUCE_MIN) addColumns(REDUCE_MIN, accumulators + COLUMN_BYTES, accumulators, n);
    else addColumns(REDUCE_SUM, accumulators + COLUMN_BYTES, accumulators, n);
    return;
  }
  for (let i = 0; i < n; i++) store<f32>(accumulators + (i << 2), identity(op));
  for (let i = first; i < last; i++) {
    const x = base + (offsetOf(i, args + REDUCED_SIZES, args + REDUCED_STRIDES, a.reducedRank) << 2);
    if (op == REDUCE_SUM) addColumns(REDUCE_SUM, x, accumulators, n);
    else if (op == REDUCE_MAX) addColumns(REDUCE_MAX, x, accumulators, n);
    else if (op == REDUCE_MIN) addColumns(REDUCE_MIN, x, accumulators, n);
    else addColumns(REDUCE_SUM_SQUARES, x, accumulators, n);
  }
}

/** One tile of `reduce`; results of split s go to `out + s * keptCount`. */
export function reduce(args: usize, tile: i32): void {
  const a = changetype<ReduceArguments>(args);
  const split = tile / a.blocks;
  const block = tile - split * a.blocks;
  const first = split * a.splitLength;
  const last = min(a.reducedCount, first + a.splitLength);
  const out = a.out + ((split * a.keptCount) << 2);
  if (a.columns != 0) {
    const blocksPerRow = (a.columns + a.blockLength - 1) / a.blockLength;
    const row = block / blocksPerRow;
    const column = (block - row * blocksPerRow) * a.blockLength;
    const kept = row * a.columns + column;
    const base = a.x + (offsetOf(kept, args + KEPT_SIZES, args + KEPT_STRIDES, a.keptRank) << 2);
    const n = min(a.blockLength, a.columns - column);
    reduceColumns(args, base, first, last, n, scratch());
    memory.copy(out + (kept << 2), scratch(), n << 2);
    return;
  }
  const end = min(a.keptCount, (block + 1) * a.blockLength);
  for (let kept = block * a.blockLength; kept < end; kept++) {
    const base = a.x + (offsetOf(kept, args + KEPT_SIZES, args + KEPT_STRIDES, a.keptRank) << 2);
    if (a.integerDtype >= 0) store<i32>(out + (kept << 2), reduceInteger(args, base, first, last));
    else store<f32>(out + (kept << 2), reduceOne(args, base, first, last));
  }
}

@unmanaged
class ArgmaxArguments {
  x: usize;
  out: usize;
  rows: i32;
  n: i32;
  rowsPerTile: i32;
  integerDtype: i32;
}

/** Index of the first maximum of each row; a NaN counts as the largest. */
export function argmax(args: usize, tile: i32): void {
  const a = changetype<ArgmaxArguments>(args);
  const last = min(a.rows, (tile + 1) * a.rowsPerTile);
  for (let row = tile * a.rowsPerTile; row < last; row++) {
    const x = a.x + ((row * a.n) << 2);
    let best = 0;
    for (let i = 1; i < a.n; i++) {
      if (a.integerDtype < 0) {
        const candidate = load<f32>(x + (i << 2)), largest = load<f32>(x + (best << 2));
        if (candidate > largest || (candidate != candidate && largest == largest)) best = i;
      } else if (a.integerDtype == DTYPE_U32) {
        if (load<u32>(x + (i << 2)) > load<u32>(x + (best << 2))) best = i;
      } else if (load<i32>(x + (i << 2)) > load<i32>(x + (best << 2))) best = i;
    }
    store<i32>(a.out + (row << 2), best);
  }
}
