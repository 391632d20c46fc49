import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { requireDTypes } from '../plan/dtype-support.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { keepVariant } from '../plan/keep-variant.ts';
import { KernelError } from '../plan/kernel-error.ts';
import { reads, writes } from '../plan/pass-bindings.ts';
import type { KernelPlan } from '../plan/plan.ts';
import { shaderVariant } from '../plan/shader-variant.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import { BLOCK_NUMBERS, type BlockFormat, blockWords } from './block-format.ts';
import source from './dequantize.wgsl';

const WORKGROUP = 256;
const variants: Readonly<Record<BlockFormat, string>> = {
  q8_0: keepVariant(source, 'q8_0'),
  q4_0: keepVariant(source, 'q4_0'),
};

/** The numbers of a quantized matrix. Offsets in elements (of codes: words, of scales: blocks). */
export interface DequantizeProblem {
  readonly format: BlockFormat;
  readonly dtype: 'f32' | 'f16';
  /** Numbers, a multiple of 32. */
  readonly count: number;
  readonly offsets: { readonly codes: number; readonly scales: number; readonly out: number };
}

/**
 * Plans the expansion of blocks. Operands: `codes`, `scales`, `out`.
 *
 * @throws KernelError for a count that is no multiple of 32, an out that is not on a multiple of 4, f16 without `caps.f16`
 */
export function planDequantize(
  { format, dtype, count, offsets }: DequantizeProblem,
  caps: DeviceCapabilities,
): KernelPlan {
  requireDTypes('dequantize', caps, dtype);
  if (count % BLOCK_NUMBERS !== 0 || offsets.out % 4 !== 0) {
    throw new KernelError(
      `kernels: dequantize needs whole blocks of ${BLOCK_NUMBERS} and out on a multiple of 4, got ${count} numbers, out at ${offsets.out}. Pass whole rows.`,
      { count, out: offsets.out },
    );
  }
  const { codes } = blockWords(format, count);
  if (codes === 0) return { passes: [], workspace: {} };
  return {
    passes: [
      {
        label: `dequantize ${format} ${dtype}`,
        shader: shaderVariant(variants[format], { OutWord: `vec4<${dtype}>` }),
        constants: {},
        bindings: [...reads('codes', 'scales'), ...writes('out')],
        uniform: uniformBlock([codes, offsets.codes, offsets.scales, offsets.out / 4]),
        workgroups: foldWorkgroups(Math.ceil(codes / WORKGROUP), caps),
      },
    ],
    workspace: {},
  };
}
