import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { enableDTypes, requireDTypes } from '../plan/dtype-support.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { keepVariant } from '../plan/keep-variant.ts';
import { KernelError } from '../plan/kernel-error.ts';
import { reads, writes } from '../plan/pass-bindings.ts';
import type { KernelPlan } from '../plan/plan.ts';
import { specialize } from '../plan/specialize.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import { unroll } from '../plan/unroll.ts';
import { BLOCK_NUMBERS, type BlockFormat, QUANTIZED_ROWS } from './block-format.ts';
import source from './quantized-product.wgsl';

/** With more rows the words of a block are a loop: written out too, four rows take a minute to compile in software. */
const UNROLLED_ROWS = 2;

const LANES = 32;
const GROUPS = 4;

/** `out[m][o] = sum of x[m][i] W[o][i]`, W quantized `[O, I]`. Offsets in elements (of codes: words, of scales: blocks). */
export interface QuantizedProductProblem {
  readonly format: BlockFormat;
  /** Of x and out. */
  readonly dtype: 'f32' | 'f16';
  /** 1 to `QUANTIZED_ROWS`. */
  readonly M: number;
  readonly O: number;
  /** A multiple of 32. */
  readonly I: number;
  readonly offsets: {
    readonly x: number;
    readonly codes: number;
    readonly scales: number;
    readonly out: number;
  };
}

/** Rows of W a thread works on: more where there are enough for all of a large GPU, so that x is read less often. */
function columnsOf({ O }: QuantizedProductProblem): number {
  if (O >= 16384) return 4;
  return O >= 4096 ? 2 : 1;
}

/**
 * Plans a product of few rows that reads the blocks. Operands: `x`, `codes`, `scales`, `out`. Needs no f16 of the device for x in f32.
 *
 * @throws KernelError for another number of rows, an I that is no multiple of 32, starts off whole words, f16 without `caps.f16`
 */
export function planQuantizedProduct(problem: QuantizedProductProblem, caps: DeviceCapabilities): KernelPlan {
  const { format, dtype, M, O, I, offsets } = problem;
  requireDTypes('quantized product', caps, dtype);
  const isWhole = I % BLOCK_NUMBERS === 0 && offsets.x % 4 === 0 && offsets.codes % 4 === 0;
  if (!isWhole || !(M >= 1 && M <= QUANTIZED_ROWS)) {
    throw new KernelError(
      `kernels: a quantized product needs 1 <= M <= ${QUANTIZED_ROWS}, I a multiple of ${BLOCK_NUMBERS} and x and codes on multiples of 4, got M=${M}, I=${I}, x at ${offsets.x}, codes at ${offsets.codes}. Dequantize the matrix.`,
      { M, I, ...offsets },
    );
  }
  if (O * I === 0) return { passes: [], workspace: {} };
  const columns = columnsOf(problem);
  const isHalf = dtype === 'f16';
  const text = specialize(keepVariant(source, format), {
    XWord: isHalf ? 'vec2<u32>' : 'vec4<u32>',
    OutElement: dtype,
    X_IS_HALF: String(isHalf),
    BITS: isHalf ? '2u' : '4u',
    ROWS: `${M}u`,
    COLUMNS: `${columns}u`,
    LANES: `${LANES}u`,
    GROUPS: `${GROUPS}u`,
  });
  const shader = unroll(text, { ROWS: M, COLUMNS: columns, WORDS: M <= UNROLLED_ROWS ? 4 : 'loop' });
  return {
    passes: [
      {
        label: `quantized-product ${format} ${dtype}`,
        shader: enableDTypes(shader, [dtype]),
        constants: {},
        bindings: [...reads('x', 'codes', 'scales'), ...writes('out')],
        uniform: uniformBlock([
          ...[O, I / BLOCK_NUMBERS, offsets.x / 4, offsets.codes / 4],
          ...[offsets.scales, offsets.out, 0, 0],
        ]),
        workgroups: foldWorkgroups(Math.ceil(O / (GROUPS * columns)), caps),
      },
    ],
    workspace: {},
  };
}
