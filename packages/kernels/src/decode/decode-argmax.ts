import { reads, writes } from '../plan/pass-bindings.ts';
import type { KernelPass, KernelPlan } from '../plan/plan.ts';
import { uniformBlock } from '../plan/uniform-block.ts';
import source from './decode-argmax.wgsl';

/** The greedy choice of a token on the device. */
export interface DecodeArgmaxProblem {
  readonly V: number;
  /** Ids below this may be chosen, 1 or more; all by default. */
  readonly choices?: number;
  /** Steps that `results` has room for. */
  readonly results: number;
}

const MAX_PARTS = 128;

/**
 * Plans the choice of the first largest logit (of the ids that may be chosen) and the step to the next position, without the host.
 * Operands: `logits` f32 `[V]`, `state` i32 (position, token, step, unused), `results` u32 `[results, 2]`: token and the bits of
 * its f32 log-probability (NaN when a logit is NaN).
 */
export function planDecodeArgmax({ V, choices = V, results }: DecodeArgmaxProblem): KernelPlan {
  const parts = Math.min(MAX_PARTS, Math.ceil(V / 256));
  const passOf = (isLast: boolean): KernelPass => ({
    label: `decode-argmax ${isLast ? 'merge' : 'parts'}`,
    shader: source,
    constants: { IS_LAST: Number(isLast) },
    bindings: [...reads('logits'), ...writes('parts', 'state', 'results')],
    uniform: uniformBlock([V, parts, results, Math.min(V, choices)]),
    workgroups: [isLast ? 1 : parts, 1, 1],
  });
  return { passes: [passOf(false), passOf(true)], workspace: { parts: parts * 16 } };
}
