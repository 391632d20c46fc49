import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { requireDTypes } from '../plan/dtype-support.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { KernelError } from '../plan/kernel-error.ts';
import { reads, writes } from '../plan/pass-bindings.ts';
import type { KernelPlan } from '../plan/plan.ts';
import { shaderVariant } from '../plan/shader-variant.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import source from './random.wgsl';

const BLOCKS_PER_WORKGROUP = 256;
const KINDS = ['uniform', 'normal', 'dropout'] as const;
const UNREAD = 'unread';

/** A part of a Philox stream, or dropout by it. */
export interface RandomProblem {
  readonly kind: (typeof KINDS)[number];
  readonly dtype: 'f32' | 'f16';
  readonly size: number;
  /** Key, a whole number below 2^53. */
  readonly seed: number;
  /** Element of the stream that out[0] is, a whole number below 2^53. */
  readonly offset: number;
  /** Dropout's probability of 0, below 1. */
  readonly p?: number;
  /** Dropout whose input is `out` itself, which then is not bound. */
  readonly isInPlace?: boolean;
  /** In elements. */
  readonly offsets: { readonly x?: number; readonly out: number };
}

const low = (value: number) => value % 2 ** 32;
const high = (value: number) => Math.floor(value / 2 ** 32);

/**
 * Plans uniform numbers in [0, 1), standard normal numbers, or `out = x * (uniform >= p) / (1 - p)`.
 * Operands: `out`, and `x` for dropout. Any part of a stream can be made alone.
 *
 * @throws KernelError for p outside [0, 1), and for f16 without `caps.f16`
 */
export function planRandom(problem: RandomProblem, caps: DeviceCapabilities): KernelPlan {
  const { kind, dtype, size, seed, offset, p = 0, isInPlace = false, offsets } = problem;
  requireDTypes(kind, caps, dtype);
  if (!(p >= 0 && p < 1))
    throw new KernelError(`kernels: dropout needs 0 <= p < 1, got p=${p}. Pass a fraction.`, { p });
  if (size === 0) return { passes: [], workspace: {} };
  const isBound = kind === 'dropout' && !isInPlace;
  const block = Math.floor(offset / 4);
  const skip = offset % 4;
  return {
    passes: [
      {
        label: `${kind} ${dtype}`,
        shader: shaderVariant(source, { Element: dtype }),
        constants: { KIND: KINDS.indexOf(kind), IN_PLACE: isInPlace ? 1 : 0 },
        bindings: [...reads(isBound ? 'x' : UNREAD), ...writes('out')],
        uniform: uniformBlock([
          ...[size, offsets.out, offsets.x ?? 0, skip, low(block), high(block), low(seed), high(seed)],
          ...[{ f32: p }, { f32: 1 / (1 - p) }],
        ]),
        workgroups: foldWorkgroups(Math.ceil((size + skip) / 4 / BLOCKS_PER_WORKGROUP), caps),
      },
    ],
    workspace: isBound ? {} : { [UNREAD]: 16 },
  };
}
