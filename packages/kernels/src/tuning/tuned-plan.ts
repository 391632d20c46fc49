import type { AttentionConfig } from '../attention/attention-config.ts';
import { type AttentionProblem, validateAttention } from '../attention/attention-problem.ts';
import type { MatmulConfig } from '../matmul/matmul-config.ts';
import type { MatmulProblem } from '../matmul/matmul-problem.ts';
import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { KernelError } from '../plan/kernel-error.ts';
import type { KernelPlan } from '../plan/plan.ts';
import { depthClass, matmulClass, sequenceClass } from './shape-class.ts';

/** The measured configuration of a product's class on this device, if there is one. */
export function tunedMatmulConfig(problem: MatmulProblem, { tuning }: DeviceCapabilities): MatmulConfig | undefined {
  return tuning?.matmul[matmulClass(problem)];
}

/** The measured configuration of a problem's sequence and depth parts, if there is one. */
export function tunedAttentionConfig(
  problem: AttentionProblem,
  { tuning }: DeviceCapabilities,
): AttentionConfig | undefined {
  if (!tuning) return undefined;
  const sequence = problem.hasSequence ? tuning.attention[sequenceClass(problem)] : undefined;
  const depth = problem.depth ? tuning.attention[depthClass(problem)] : undefined;
  return sequence || depth ? { ...sequence, ...depth } : undefined;
}

/** Plans with a measured configuration; one that this very problem cannot run (a class holds many) gives way to the default. */
export function planTuned<Config>(
  tuned: Config | undefined,
  plan: (config: Config) => KernelPlan,
  byDefault: () => KernelPlan,
): KernelPlan {
  if (tuned === undefined) return byDefault();
  try {
    return plan(tuned);
  } catch (error) {
    if (error instanceof KernelError) return byDefault();
    throw error;
  }
}

/** Plans attention with the configuration given, else with the measured one where it can run, else by the defaults. */
export function planAttention(
  problem: AttentionProblem,
  capabilities: DeviceCapabilities,
  given: AttentionConfig | undefined,
  plan: (problem: AttentionProblem, capabilities: DeviceCapabilities, config: AttentionConfig) => KernelPlan,
): KernelPlan {
  validateAttention(problem, capabilities);
  const planWith = (config: AttentionConfig) => plan(problem, capabilities, config);
  if (given) return planWith(given);
  return planTuned(tunedAttentionConfig(problem, capabilities), planWith, () => planWith({}));
}
