import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { requireDTypes } from '../plan/dtype-support.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { writes } from '../plan/pass-bindings.ts';
import type { KernelPass, KernelPlan } from '../plan/plan.ts';
import { shaderVariant } from '../plan/shader-variant.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import { reducePass } from '../reduce/reduce-pass.ts';
import source from './sum-squares.wgsl';

/** Arrays that one dispatch reads: with the result, eight storage buffers, which every device has. */
const ARRAYS_PER_PASS = 7;
/** Elements that a workgroup reads at once: 256 threads, four loads of four each. */
const STEP = 4096;
/** Eight workgroups for each multiprocessor of a large device. */
const MAX_PARTS = 1056;

/** Contiguous arrays, in the order they are added. */
export interface SumSquaresProblem {
  readonly arrays: readonly { readonly dtype: 'f32' | 'f16'; readonly size: number; readonly offset: number }[];
  /** Of the f32 scalar, in elements. */
  readonly outOffset: number;
}

interface Span {
  readonly buffer: string;
  readonly dtype: 'f32' | 'f16';
  readonly size: number;
  readonly offset: number;
  readonly chunk: number;
  readonly parts: number;
}

function spanOf(array: SumSquaresProblem['arrays'][number], index: number): Span {
  const chunk = STEP * Math.max(1, Math.ceil(array.size / MAX_PARTS / STEP));
  return { ...array, buffer: `x${index}`, chunk, parts: Math.ceil(array.size / chunk) };
}

function partialPass(spans: readonly Span[], first: number, caps: DeviceCapabilities): KernelPass {
  const dtype = spans[0]!.dtype;
  const isVector = spans.every(({ offset, size }) => offset % 4 === 0 && size % 4 === 0);
  const width = isVector ? 4 : 1;
  const parts = spans.reduce((sum, span) => sum + span.parts, 0);
  let end = 0;
  const words = Array.from({ length: ARRAYS_PER_PASS }, (_, i) => {
    const span = spans[i];
    end += span?.parts ?? 0;
    return span ? [span.offset / width, span.size / width, span.chunk / width, end] : [0, 0, 1, end];
  });
  const [Element, Value] = isVector ? [`vec4<${dtype}>`, 'vec4<f32>'] : [dtype, 'f32'];
  return {
    label: `sum-squares ${dtype}${isVector ? ' vec4' : ''} x${spans.length}`,
    shader: shaderVariant(source, { Element, Value, IS_VECTOR: String(isVector) }),
    constants: {},
    bindings: [
      ...words.map((_, i) => ({ buffer: (spans[i] ?? spans[0]!).buffer, access: 'read' as const })),
      ...writes('parts'),
    ],
    uniform: uniformBlock([first, parts, 0, 0, ...words.flat()]),
    workgroups: foldWorkgroups(parts, caps),
  };
}

/**
 * Plans `out = sum of squares over all arrays`, seven arrays a dispatch, in a fixed order.
 * Operands: `x0`, `x1`, ... in the order given; `out`. Inf and NaN propagate; no arrays give 0.
 *
 * @throws KernelError for f16 without `caps.f16`
 */
export function planSumSquares({ arrays, outOffset }: SumSquaresProblem, caps: DeviceCapabilities): KernelPlan {
  requireDTypes('sumSquares', caps, ...arrays.map(({ dtype }) => dtype));
  const spans = arrays.map(spanOf).filter(({ size }) => size > 0);
  const passes: KernelPass[] = [];
  let total = 0;
  for (const dtype of ['f32', 'f16'] as const) {
    const same = spans.filter((span) => span.dtype === dtype);
    for (let i = 0; i < same.length; i += ARRAYS_PER_PASS) {
      const some = same.slice(i, i + ARRAYS_PER_PASS);
      passes.push(partialPass(some, total, caps));
      total += some.reduce((sum, { parts }) => sum + parts, 0);
    }
  }
  const sum = reducePass(
    {
      op: 'sum',
      x: { buffer: 'parts', dtype: 'f32', offset: 0 },
      out: { buffer: 'out', dtype: 'f32', offset: outOffset },
      kept: { shape: [1], strides: [1] },
      reduced: { shape: [total], strides: [1] },
      splits: 1,
    },
    caps,
  );
  return { passes: [...passes, sum], workspace: { parts: Math.max(16, 4 * total) } };
}
