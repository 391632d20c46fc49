import type { KernelPass } from '../plan/plan.ts';
import type { AttentionProblem } from './attention-problem.ts';

const OVERRIDE = 'override SOFTCAP: f32';

/** The passes with the problem's cap on the logits (`wgsl/attention/softcap.wgsl`), in those that compute logits. */
export function withSoftcap(passes: readonly KernelPass[], { softcap }: AttentionProblem): readonly KernelPass[] {
  if (softcap === undefined) return passes;
  return passes.map((pass) =>
    pass.shader.includes(OVERRIDE) ? { ...pass, constants: { ...pass.constants, SOFTCAP: softcap } } : pass,
  );
}
