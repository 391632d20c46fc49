import { preparedPipelines } from '../src/executor/prepare-plan.ts';
import type { KernelPlan } from '../src/plan/plan.ts';

/**
 * Compiles every pass of every plan, each distinct pipeline once.
 *
 * @returns how many distinct pipelines were compiled
 * @throws KernelError with the pass's label and Tint's message
 */
export async function compileAll(device: GPUDevice, plans: Iterable<KernelPlan>): Promise<number> {
  const seen = new Set<string>();
  for (const plan of plans) {
    for (const pass of plan.passes) {
      const key = `${pass.shader}\n${JSON.stringify(pass.constants)}`;
      if (seen.has(key)) continue;
      seen.add(key);
      await preparedPipelines(device).compile(pass);
    }
  }
  return seen.size;
}
