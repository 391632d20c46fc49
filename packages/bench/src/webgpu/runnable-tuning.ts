import {
  type AttentionConfig,
  type AttentionProblem,
  type DeviceCapabilities,
  KernelError,
  type KernelPlan,
  type MatmulConfig,
  type MatmulProblem,
  planMatmul,
  tunedAttentionConfig,
  tunedMatmulConfig,
} from '@modajs/kernels';

/** The measured configuration of a product's class; none where this very product cannot run it, as in `planMatmul`. */
export function runnableMatmulTuning(
  problem: MatmulProblem,
  capabilities: DeviceCapabilities,
): MatmulConfig | undefined {
  return runnable(tunedMatmulConfig(problem, capabilities), (config) => planMatmul(problem, capabilities, config));
}

/** The measured configuration of a problem's classes; none where `plan` refuses it for this very problem. */
export function runnableAttentionTuning(
  problem: AttentionProblem,
  capabilities: DeviceCapabilities,
  plan: (problem: AttentionProblem, capabilities: DeviceCapabilities, config: AttentionConfig) => KernelPlan,
): AttentionConfig | undefined {
  return runnable(tunedAttentionConfig(problem, capabilities), (config) => plan(problem, capabilities, config));
}

function runnable<Config>(config: Config | undefined, plan: (config: Config) => KernelPlan): Config | undefined {
  if (config === undefined) return undefined;
  try {
    plan(config);
    return config;
  } catch (error) {
    if (error instanceof KernelError) return undefined;
    throw error;
  }
}
