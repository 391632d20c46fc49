import type { DeviceCapabilities } from '../plan/capabilities.ts';
import type { KernelPlan } from '../plan/plan.ts';
import { planAttention } from '../tuning/tuned-plan.ts';
import type { AttentionConfig } from './attention-config.ts';
import type { AttentionProblem } from './attention-problem.ts';
import { chooseVariant } from './kernel-variant.ts';
import { keySources } from './key-source.ts';
import { depthMatrixPass } from './matrix/depth-passes.ts';
import { matrixPass } from './matrix/matrix-passes.ts';
import { rowsPass } from './rows/rows-passes.ts';
import { withSoftcap } from './softcap.ts';
import { tilePass } from './tile/tile-passes.ts';
import { depthVectorPass } from './vector/vector-passes.ts';

/**
 * Plans `out` and `lse` of the MoDA family: one softmax of each query over its sequence keys and its depth slots.
 * A pass for each source of keys continues the running softmax (max, sum, weighted values) of the one before.
 *
 * Operands in: `q`, `k`, `v` (with a sequence), `docRange` (with documents), `depthK0..`, `depthV0..` (S > 0).
 * Operands out: `out`, `lse`. Rows that see no key get `out = 0`, `lse = -Infinity`.
 * The state between passes is `out` and `lse` themselves: no memory beyond the operands.
 *
 * @throws KernelError when shapes disagree or the device cannot hold them
 * Reference: Zhu et al., "Mixture-of-Depths Attention", Algorithm 1; Dao, "FlashAttention-2".
 */
export function planAttentionForward(
  problem: AttentionProblem,
  capabilities: DeviceCapabilities,
  config?: AttentionConfig,
): KernelPlan {
  return planAttention(problem, capabilities, config, planConfig);
}

function planConfig(problem: AttentionProblem, capabilities: DeviceCapabilities, config: AttentionConfig): KernelPlan {
  const sources = keySources(problem, capabilities);
  const passes = sources.map((source, index) => {
    const step = { isFirst: index === 0, accumulate: false };
    const variant = chooseVariant(problem, source, 'forward', capabilities, config);
    if (variant === 'rows') return rowsPass('forward', problem, source, step, capabilities);
    if (variant === 'vector') return depthVectorPass('forward', problem, source, step, capabilities);
    if (variant === 'tile') return tilePass('forward', problem, source, step);
    const pass = source.kind === 'depth' ? depthMatrixPass : matrixPass;
    return pass('forward', problem, source, step, capabilities, config);
  });
  return { passes: withSoftcap(passes, problem), workspace: {} };
}
