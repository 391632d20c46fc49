import type { DeviceCapabilities } from '../plan/capabilities.ts';
import type { KernelPlan } from '../plan/plan.ts';
import { specialize } from '../plan/specialize.ts';
import { planTuned, tunedMatmulConfig } from '../tuning/tuned-plan.ts';
import { chooseMatmulConfig } from './matmul-choice.ts';
import type { MatmulConfig } from './matmul-config.ts';
import { requireFit } from './matmul-fit.ts';
import { planGemv } from './matmul-gemv.ts';
import naiveSource from './matmul-naive.wgsl';
import { elementTypes, productPass } from './matmul-pass.ts';
import { type MatmulProblem, validateMatmul } from './matmul-problem.ts';
import { planSubgroupMatrix } from './matmul-subgroup-matrix.ts';
import { planTile } from './matmul-tile.ts';

/**
 * Plans `out = activation(alpha * A . B + bias) + residual (+ out)`; operands `a`, `b`, `bias`, `residual`, `out`.
 * An operand that the problem lacks is never asked for. A problem without elements gives a plan without passes.
 *
 * @param config how to compute it; by default what was measured (`capabilities.tuning`), else chosen by shape and capabilities
 * @throws KernelError for a problem or a configuration that the device cannot run, with the figures and the cure
 */
export function planMatmul(
  problem: MatmulProblem,
  capabilities: DeviceCapabilities,
  config?: MatmulConfig,
): KernelPlan {
  validateMatmul(problem, capabilities);
  if (problem.M * problem.N * problem.batch === 0) return { passes: [], workspace: {} };
  if (config) return planConfig(problem, capabilities, config);
  return planTuned(
    tunedMatmulConfig(problem, capabilities),
    (tuned) => planConfig(problem, capabilities, tuned),
    () => planConfig(problem, capabilities, chooseMatmulConfig(problem, capabilities)),
  );
}

function planConfig(problem: MatmulProblem, capabilities: DeviceCapabilities, chosen: MatmulConfig): KernelPlan {
  requireFit(problem, chosen, capabilities);
  // Without K there is nothing to stage, and an operand of no elements is too short for a vec4 binding.
  if (chosen.kind === 'naive' || problem.K === 0) return planNaive(problem, capabilities);
  if (chosen.kind === 'gemv') return planGemv(problem, capabilities, chosen);
  if (chosen.kind === 'tile') return planTile(problem, capabilities, chosen);
  return planSubgroupMatrix(problem, capabilities, chosen);
}

function planNaive(problem: MatmulProblem, capabilities: DeviceCapabilities): KernelPlan {
  const { M, N, K, batch, a, b } = problem;
  const [blockM, blockN] = [4, 16];
  const pass = productPass(
    problem,
    capabilities,
    { count: 1, length: K, stride: M * N * batch },
    {
      label: 'matmul-naive',
      source: specialize(naiveSource, elementTypes(problem)),
      constants: {
        BLOCK_M: blockM,
        BLOCK_N: blockN,
        A_TRANSPOSED: Number(a.transposed),
        B_TRANSPOSED: Number(b.transposed),
      },
      workgroups: Math.ceil(M / blockM) * Math.ceil(N / blockN) * batch,
    },
  );
  return { passes: [pass], workspace: {} };
}
