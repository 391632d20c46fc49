import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { KernelError } from '../plan/kernel-error.ts';
import type { KernelPlan } from '../plan/plan.ts';
import { specialize } from '../plan/specialize.ts';
import { planTuned, tunedMatmulConfig } from '../tuning/tuned-plan.ts';
import { chooseMatmulConfig } from './matmul-choice.ts';
import { describeMatmulConfig, type MatmulConfig, type SubgroupMatrixTileConfig } from './matmul-config.ts';
import { requireFit } from './matmul-fit.ts';
import { planGemv } from './matmul-gemv.ts';
import naiveSource from './matmul-naive.wgsl';
import { elementTypes, productPass } from './matmul-pass.ts';
import { type MatmulProblem, validateMatmul } from './matmul-problem.ts';
import { planTile } from './matmul-tile.ts';

/**
 * Plans `out = activation(alpha * A . B + bias) + residual (+ out)`; operands `a`, `b`, `bias`, `residual`, `out`.
 * An operand that the problem lacks is never asked for. A problem without elements gives a plan without passes.
 *
 * @param config how to compute it; by default what was measured (`capabilities.tuning`), else chosen by shape and capabilities
 * @throws KernelError for a problem or a configuration that the device cannot run, with the figures and the cure
 */
export type MatmulPlanner = (
  problem: MatmulProblem,
  capabilities: DeviceCapabilities,
  config?: MatmulConfig,
) => KernelPlan;

/** The variant on subgroup matrices (tensor cores): `planSubgroupMatrix` of `@modajs/kernels/matrix-products`. */
export type MatrixPlanner = (
  problem: MatmulProblem,
  capabilities: DeviceCapabilities,
  config: SubgroupMatrixTileConfig,
) => KernelPlan;

/**
 * The planner of products with a given set of variants. Most browsers have no subgroup matrices: what is made for them need not load
 * their shader.
 *
 * @param planMatrices null on a device without subgroup matrices
 */
export function matmulPlanner(planMatrices: MatrixPlanner | null): MatmulPlanner {
  const planConfig: MatmulPlanner = (problem, capabilities, config = chooseMatmulConfig(problem, capabilities)) => {
    requireFit(problem, config, capabilities);
    // Without K there is nothing to stage, and an operand of no elements is too short for a vec4 binding.
    if (config.kind === 'naive' || problem.K === 0) return planNaive(problem, capabilities);
    if (config.kind === 'gemv') return planGemv(problem, capabilities, config);
    if (config.kind === 'tile') return planTile(problem, capabilities, config);
    if (planMatrices) return planMatrices(problem, capabilities, config);
    throw new KernelError(
      `kernels: ${describeMatmulConfig(config)} needs the planner of subgroup matrices, got none. Use planMatmul.`,
      { config },
    );
  };
  return (problem, capabilities, config) => {
    validateMatmul(problem, capabilities);
    if (problem.M * problem.N * problem.batch === 0) return { passes: [], workspace: {} };
    if (config) return planConfig(problem, capabilities, config);
    return planTuned(
      tunedMatmulConfig(problem, capabilities),
      (tuned) => planConfig(problem, capabilities, tuned),
      () => planConfig(problem, capabilities),
    );
  };
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
