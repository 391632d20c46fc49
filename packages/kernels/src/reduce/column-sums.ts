import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { DTYPES, elementsPerVector } from '../plan/dtype-table.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { reads, writes } from '../plan/pass-bindings.ts';
import type { KernelDType, KernelPass } from '../plan/plan.ts';
import { shaderVariant } from '../plan/shader-variant.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import source from './column-sums.wgsl';
import { powerOfTwoUpTo, reducePass } from './reduce-pass.ts';

/** Sums of the columns of a matrix `[rows, columns]` whose rows are `stride` elements apart. Offsets in elements. */
export interface ColumnSums {
  readonly x: { readonly buffer: string; readonly dtype: KernelDType; readonly offset: number };
  readonly out: { readonly buffer: string; readonly dtype: KernelDType; readonly offset: number };
  readonly rows: number;
  readonly columns: number;
  readonly stride: number;
  /** Sums are added to what is in out. */
  readonly accumulate?: boolean;
}

/** Rows up to which one workgroup for each few columns keeps up with two passes over parts. */
const MOST_ROWS = 2 ** 15;
/** Loads that a thread has in flight. */
const IN_FLIGHT = 8;
/** Workgroups that are not worth narrowing further: a word is half of a sector of memory. */
const ENOUGH_WORKGROUPS = 96;
const MOST_THREADS = 1024;

/** Sums of columns of parts: the last pass of a kernel that sums over rows. */
export function partSumsPass(sums: ColumnSums, caps: DeviceCapabilities): KernelPass {
  if (areSummableColumns(sums)) return columnSumsPass(sums, caps);
  const { x, out, rows, columns, stride, accumulate } = sums;
  const [kept, reduced] = [
    { shape: [columns], strides: [1] },
    { shape: [rows], strides: [stride] },
  ];
  return reducePass({ op: 'sum', x, out, kept, reduced, splits: 1, accumulate }, caps);
}

/** Whether `columnSumsPass` takes these: floats, every row on a multiple of 16 bytes, not too many rows. */
export function areSummableColumns({ x, out, rows, columns, stride }: ColumnSums): boolean {
  const areFloats = [x, out].every(({ dtype }) => DTYPES[dtype].isFloat);
  const isAligned = [columns, stride, x.offset].every((length) => length % elementsPerVector(x.dtype) === 0);
  return areFloats && isAligned && rows <= MOST_ROWS;
}

/** One dispatch: `out[c] (+)= sum of x[:, c]`, sums in f32. For what `areSummableColumns` accepts. */
export function columnSumsPass(sums: ColumnSums, caps: DeviceCapabilities): KernelPass {
  const { x, out, rows, columns, stride, accumulate = false } = sums;
  const elements = elementsPerVector(x.dtype);
  const words = columns / elements;
  const width = [4, 2].find((count) => words / count >= ENOUGH_WORKGROUPS) ?? 1;
  const threads = Math.max(64, powerOfTwoUpTo((rows * width) / IN_FLIGHT));
  const allowed = Math.min(
    MOST_THREADS,
    caps.maxInvocations,
    caps.maxWorkgroupSize[0],
    caps.maxWorkgroupMemoryBytes / 32,
  );
  return {
    label: `column-sums ${x.dtype} x${width}`,
    shader: shaderVariant(source, {
      Output: out.dtype,
      THREADS: `${Math.min(threads, powerOfTwoUpTo(allowed))}u`,
      WIDTH: `${width}u`,
      QUADS: `${elements / 4}u`,
    }),
    constants: { ACCUMULATE: accumulate ? 1 : 0 },
    bindings: [...reads(x.buffer), ...writes(out.buffer)],
    uniform: uniformBlock([rows, words, stride / elements, x.offset / elements, out.offset, 0, 0, 0]),
    workgroups: foldWorkgroups(Math.ceil(words / width), caps),
  };
}
