import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { foldWorkgroups } from '../plan/fold-workgroups.ts';
import { reads, writes } from '../plan/pass-bindings.ts';
import type { KernelPass, KernelPlan } from '../plan/plan.ts';
import { planAttention } from '../tuning/tuned-plan.ts';
import type { AttentionConfig } from './attention-config.ts';
import type { AttentionProblem } from './attention-problem.ts';
import { backwardDirection } from './direction.ts';
import { withElementTypes } from './element-type.ts';
import fillZero from './fill-zero.wgsl';
import { chooseVariant } from './kernel-variant.ts';
import { type KeySource, keySources } from './key-source.ts';
import { depthMatrixPass } from './matrix/depth-passes.ts';
import { matrixPass } from './matrix/matrix-passes.ts';
import type { MatrixKernel } from './matrix/matrix-tiles.ts';
import rowStats from './row-stats.wgsl';
import { rowsPass } from './rows/rows-passes.ts';
import { withSoftcap } from './softcap.ts';
import type { SourceStep } from './source-params.ts';
import { tilePass } from './tile/tile-passes.ts';
import { unusedSlots } from './unused-slots.ts';
import { depthVectorPass } from './vector/vector-passes.ts';

/**
 * Plans the gradients of the MoDA family.
 *
 * Operands in: those of the forward, its `out` and `lse`, `dOut [B,T,H,Dv]`, and `dLse f32 [B,H,T]` with `problem.dLse`.
 * Operands out: `dq [B,T,H,D]`, `dk [B,keyCapacity,Hkv,D]`, `dv [B,keyCapacity,Hkv,Dv]` (overwritten; dk and dv
 * added to with `accumulateKeys`), `dDepthK0..`, `dDepthV0..` (in place:
 * added to with `depthGrad.accumulate`; else overwritten, with zeros in the slots beyond S). S = 0 touches no depth gradient.
 * With `defersDepth`, `depthPairs` takes the place of the depth gradients.
 * Deterministic: every element is summed by one workgroup in one order, no atomics. Memory beyond the operands: 8 bytes a query row.
 *
 * @throws KernelError when shapes disagree or the device cannot hold them
 * Reference: Dao, "FlashAttention-2", Algorithm 2, with the depth keys as further sources.
 */
export function planAttentionBackward(
  problem: AttentionProblem,
  capabilities: DeviceCapabilities,
  config?: AttentionConfig,
): KernelPlan {
  return planAttention(problem, capabilities, config, planConfig);
}

function planConfig(problem: AttentionProblem, capabilities: DeviceCapabilities, config: AttentionConfig): KernelPlan {
  const sources = keySources(problem, capabilities);
  const passes: KernelPass[] = [rowStatsPass(problem, capabilities)];
  for (const [index, source] of sources.entries()) {
    const accumulate = (source.kind === 'depth' ? problem.depthGrad?.accumulate : problem.accumulateKeys) ?? false;
    const step = { isFirst: index === 0, accumulate };
    passes.push(...sourcePasses(problem, source, step, capabilities, config));
  }
  passes.push(...zeroPasses(problem, capabilities));
  return { passes: withSoftcap(passes, problem), workspace: { stats: problem.B * problem.H * problem.T * 8 } };
}

/** Passes that give a source's dq, dk and dv. */
function sourcePasses(
  problem: AttentionProblem,
  source: KeySource,
  step: SourceStep,
  capabilities: DeviceCapabilities,
  config: AttentionConfig,
): KernelPass[] {
  const variant = chooseVariant(problem, source, backwardDirection(problem), capabilities, config);
  if (variant === 'vector') return [depthVectorPass('backward', problem, source, step, capabilities)];
  if (variant === 'tile') return [tilePass('dq', problem, source, step), tilePass('dkv', problem, source, step)];
  if (variant === 'matrix' && source.kind === 'depth')
    return [depthMatrixPass(backwardDirection(problem), problem, source, step, capabilities, config)];
  if (variant === 'matrix') {
    const kernels: MatrixKernel[] = config.fuseDkv === false ? ['dq', 'dk', 'dv'] : ['dq', 'dkv'];
    return kernels.map((kernel) => matrixPass(kernel, problem, source, step, capabilities, config));
  }
  if (source.kind === 'depth' && problem.defersDepth)
    return [rowsPass('depth-dq', problem, source, step, capabilities)];
  const dq = rowsPass('dq', problem, source, step, capabilities);
  return source.kind === 'empty' ? [dq] : [dq, rowsPass('dkv', problem, source, step, capabilities)];
}

function rowStatsPass(problem: AttentionProblem, capabilities: DeviceCapabilities): KernelPass {
  const { B, T, H, Dv } = problem;
  return {
    label: `attention-row-stats Dv=${Dv}`,
    shader: withElementTypes(rowStats, { Element: problem.dtype }),
    constants: { Dv },
    bindings: [...reads('out', 'dOut', 'lse', problem.dLse ? 'dLse' : 'lse'), ...writes('stats')],
    uniform: new Uint32Array([T, H, B * T * H, Number(problem.dLse ?? false)]).buffer,
    workgroups: foldWorkgroups(Math.ceil((B * T * H) / 4), capabilities),
  };
}

/** Gradients of slots that are not in use, when they are overwritten: exactly 0. */
function zeroPasses(problem: AttentionProblem, capabilities: DeviceCapabilities): KernelPass[] {
  if (!problem.depth || problem.depth.S === 0 || problem.depthGrad?.accumulate || problem.defersDepth) return [];
  const dtype = problem.depthGrad?.dtype ?? problem.dtype;
  return unusedSlots(problem, problem.depth, capabilities).map(({ buffer, range, offset, count }) => ({
    label: `attention-fill-zero ${buffer}`,
    shader: withElementTypes(fillZero, { Element: dtype }),
    constants: {},
    bindings: [range ? { buffer, access: 'read_write', range } : { buffer, access: 'read_write' }],
    uniform: new Uint32Array([offset, count]).buffer,
    workgroups: foldWorkgroups(Math.ceil(count / 64), capabilities),
  }));
}
