import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { DTYPES } from '../plan/dtype-table.ts';
import { elementCount } from '../plan/element-count.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { reads, writes } from '../plan/pass-bindings.ts';
import type { KernelDType, KernelPass } from '../plan/plan.ts';
import { shaderVariant } from '../plan/shader-variant.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import source from './reduce.wgsl';

/** What a reduction computes. Empty `sum` and `sumSquares` are 0, empty `max` -Infinity, empty `min` Infinity. */
export type Reduction = 'sum' | 'max' | 'min' | 'sumSquares';

const WORKGROUP = 256;
const OPERATORS: readonly Reduction[] = ['sum', 'max', 'min', 'sumSquares'];
const FLOAT_IDENTITY = { sum: 0, max: 0xff800000, min: 0x7f800000, sumSquares: 0 };
const I32_IDENTITY = { sum: 0, max: 0x80000000, min: 0x7fffffff, sumSquares: 0 };
const U32_IDENTITY = { sum: 0, max: 0, min: 0xffffffff, sumSquares: 0 };

/** Dimensions in merged form, outermost first. */
export interface Dimensions {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** One dispatch of `reduce.wgsl`. */
export interface ReducePass {
  readonly op: Reduction;
  readonly x: { readonly buffer: string; readonly dtype: KernelDType; readonly offset: number };
  readonly out: { readonly buffer: string; readonly dtype: KernelDType; readonly offset: number };
  readonly kept: Dimensions;
  readonly reduced: Dimensions;
  /** Parts the reduced elements are cut into; out is `[splits, outputs]`. */
  readonly splits: number;
  /** Lanes to an output, instead of as many as suit the shape. */
  readonly lanes?: number;
  /** A sum is added to what is in out. */
  readonly accumulate?: boolean;
}

/** Type that sums of `dtype` are made in. */
export function accumulatorOf(dtype: KernelDType): 'f32' | 'i32' | 'u32' {
  return DTYPES[dtype].computed;
}

function identityOf(dtype: KernelDType, op: Reduction): number {
  if (dtype === 'i32') return I32_IDENTITY[op];
  return dtype === 'u32' ? U32_IDENTITY[op] : FLOAT_IDENTITY[op];
}

/** The largest power of two that is at most `value`; 1 for less. */
export function powerOfTwoUpTo(value: number): number {
  return 2 ** Math.floor(Math.log2(Math.max(1, value)));
}

/** How a workgroup's 256 threads are shared out: `lanes` to one output, neighbours along the reduced or the kept elements. */
export function reduceLanes(kept: Dimensions, reduced: Dimensions): { lanes: number; isInnermost: boolean } {
  const outputs = elementCount(kept.shape);
  const count = elementCount(reduced.shape);
  const isInnermost = reduced.strides.at(-1) === 1 || kept.strides.at(-1) !== 1;
  const useful = Math.min(WORKGROUP, powerOfTwoUpTo(2 * count - 1));
  if (isInnermost) return { lanes: useful, isInnermost };
  // Columns: as many neighbouring outputs as there are, at most 64, so that loads stay together.
  return { lanes: Math.min(useful, WORKGROUP / Math.min(64, powerOfTwoUpTo(outputs))), isInnermost };
}

/** Workgroups from which on narrower ones are not worth loads that lie apart. */
const ENOUGH_BLOCKS = 64;
/** Neighbouring outputs that fill a sector of memory in f32. */
const MIN_WIDTH = 8;
/** Lanes that one column can have. */
export const MOST_COLUMN_LANES = WORKGROUP / MIN_WIDTH;

/** More lanes to a column where few workgroups would each add up long columns, as in the last sum of many parts. */
function columnLanes(lanes: number, outputs: number, count: number, splits: number): number {
  let most = lanes;
  const blocks = () => Math.ceil(outputs / (WORKGROUP / most)) * splits;
  while (blocks() < ENOUGH_BLOCKS && 2 * most <= Math.min(count / 2, MOST_COLUMN_LANES)) most *= 2;
  return most;
}

function eightWords(values: readonly number[]): number[] {
  return Array.from({ length: 8 }, (_, i) => values[i] ?? 0);
}

/** The dispatch that reduces `x` into `[splits, outputs]`. At most six merged dimensions on either side. */
export function reducePass(pass: ReducePass, caps: DeviceCapabilities): KernelPass {
  const { op, x, out, kept, reduced, splits, accumulate = false } = pass;
  const outputs = elementCount(kept.shape);
  const count = elementCount(reduced.shape);
  const { lanes: fewest, isInnermost } = reduceLanes(kept, reduced);
  const suited = isInnermost ? fewest : columnLanes(fewest, outputs, count / splits, splits);
  const lanes = pass.lanes ?? suited;
  const accumulator = accumulatorOf(x.dtype);
  const shader = shaderVariant(source, {
    Element: x.dtype,
    Output: out.dtype,
    Accumulator: accumulator,
    IS_FLOAT: String(accumulator === 'f32'),
  });
  const chunk = Math.ceil(count / splits);
  const head = [outputs, count, splits, chunk, x.offset, out.offset, identityOf(x.dtype, op), 0];
  const blocks = Math.ceil(outputs / (WORKGROUP / lanes));
  return {
    label: `reduce-${op} ${x.dtype} ${lanes} lanes${isInnermost ? '' : ' columns'}`,
    shader,
    constants: {
      OP: OPERATORS.indexOf(op),
      LANES: lanes,
      KEPT_RANK: kept.shape.length,
      REDUCED_RANK: reduced.shape.length,
      LANES_INNERMOST: isInnermost ? 1 : 0,
      ACCUMULATE: accumulate ? 1 : 0,
    },
    bindings: [...reads(x.buffer), ...writes(out.buffer)],
    uniform: uniformBlock([
      ...head,
      ...eightWords(kept.shape),
      ...eightWords(kept.strides),
      ...eightWords(reduced.shape),
      ...eightWords(reduced.strides),
    ]),
    workgroups: foldWorkgroups(blocks * splits, caps),
  };
}
