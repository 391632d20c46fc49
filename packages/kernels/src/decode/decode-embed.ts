import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { requireDTypes } from '../plan/dtype-support.ts';
import { reads, writes } from '../plan/pass-bindings.ts';
import type { KernelPlan } from '../plan/plan.ts';
import { shaderVariant } from '../plan/shader-variant.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import source from './decode-embed.wgsl';

/** The embedding of the token in the decoding state. */
export interface DecodeEmbedProblem {
  readonly dtype: 'f32' | 'f16';
  readonly V: number;
  readonly C: number;
  /** First element of the table `[V, C]`. */
  readonly start: number;
}

/** Plans `out = table[token]` in f32. Operands: `state`, `table`, `out`. @throws KernelError for f16 without `caps.f16` */
export function planDecodeEmbed({ dtype, V, C, start }: DecodeEmbedProblem, caps: DeviceCapabilities): KernelPlan {
  requireDTypes('decode embed', caps, dtype);
  return {
    passes: [
      {
        label: `decode-embed ${dtype}`,
        shader: shaderVariant(source, { Element: dtype }),
        constants: {},
        bindings: [...reads('state', 'table'), ...writes('out')],
        uniform: uniformBlock([C, V, start, 0]),
        workgroups: [1, 1, 1],
      },
    ],
    workspace: {},
  };
}
