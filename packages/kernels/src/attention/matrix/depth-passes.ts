import type { DeviceCapabilities } from '../../plan/capabilities.ts';
import { elementBytes } from '../../plan/dtype-table.ts';
import { foldWorkgroups } from '../../plan/fold-workgroups.ts';
import { keepVariant } from '../../plan/keep-variant.ts';
import { reads, writes } from '../../plan/pass-bindings.ts';
import type { KernelPass, PassBinding } from '../../plan/plan.ts';
import { specialize } from '../../plan/specialize.ts';
import { unroll } from '../../plan/unroll.ts';
import type { AttentionConfig } from '../attention-config.ts';
import type { AttentionProblem } from '../attention-problem.ts';
import type { Direction } from '../direction.ts';
import type { KeySource } from '../key-source.ts';
import { bindKeys } from '../rows/rows-passes.ts';
import { type SourceStep, sourceParams } from '../source-params.ts';
import depthBackward from './depth-backward.wgsl';
import depthForward from './depth-forward.wgsl';
import { matrixObstacle } from './matrix-tiles.ts';

/** Heads that one subgroup takes: a lane each. */
const MAX_ROWS = 32;

/** Why the depth part of a problem cannot run on subgroup matrices, or null when it can. */
export function depthMatrixObstacle(problem: AttentionProblem, capabilities: DeviceCapabilities): string | null {
  const group = problem.H / problem.Hkv;
  const { depth } = problem;
  if (depth?.chunk !== 1) return 'a chunk must be 1';
  if (depth.Td !== problem.T && !problem.depthGrad?.accumulate) return 'Td must be T, or the depth gradient added to';
  if (group > MAX_ROWS) return `a group must have at most ${MAX_ROWS} heads, got ${group}`;
  if (Math.max(problem.D, problem.Dv) > 128)
    return `D and Dv must be at most 128, got D=${problem.D}, Dv=${problem.Dv}`;
  const obstacle = matrixObstacle(problem, capabilities);
  const bytes = depthMemoryBytes(problem, 1);
  if (obstacle === null && bytes > capabilities.maxWorkgroupMemoryBytes)
    return `${bytes} B of workgroup memory are needed`;
  return obstacle;
}

/** Workgroup memory of the backward kernel (the forward one takes less), bytes. */
function depthMemoryBytes(problem: AttentionProblem, subgroups: number): number {
  const padded = (dim: number) => Math.ceil(dim / 16) * 16;
  const fragments = Math.ceil(problem.H / problem.Hkv / 16);
  const widest = Math.max(padded(problem.D), padded(problem.Dv));
  return subgroups * (32 * (2 * widest + 16) + 160 * 16 * fragments);
}

/** Forward, backward (dq, dDepthK and dDepthV at once) or deferred (dq and the pairs (p, dS)) of one depth source with chunk 1. */
export function depthMatrixPass(
  direction: Direction,
  problem: AttentionProblem,
  source: KeySource,
  step: SourceStep,
  capabilities: DeviceCapabilities,
  config: AttentionConfig,
): KernelPass {
  const { B, T, H, Hkv, D, Dv } = problem;
  const subgroups = config.depthSubgroups ?? 1;
  const rowFragments = Math.ceil(H / Hkv / 16);
  const constants = { SUBGROUPS: `${subgroups}u`, ROW_FRAGMENTS: `${rowFragments}u`, D: `${D}u`, Dv: `${Dv}u` };
  const { kernel, results, constants: own } = depthKernel(direction, problem, source);
  const shader = config.unroll === false ? kernel : unroll(kernel, depthBounds(problem, rowFragments));
  return {
    label: `attention-depth-${direction} ${subgroups}x${rowFragments * 16} D=${D} Dv=${Dv}`,
    shader: specialize(shader, { ...constants, ...own }),
    constants: {},
    bindings: [...reads('q'), bindKeys(source.k, 'read'), bindKeys(source.v, 'read'), ...results],
    uniform: sourceParams(problem, source, step),
    workgroups: foldWorkgroups(Math.ceil((B * T * Hkv) / subgroups), capabilities),
  };
}

/** The shader of a direction, its constants and the bindings after q, k and v. */
function depthKernel(
  direction: Direction,
  problem: AttentionProblem,
  source: KeySource,
): { kernel: string; constants: Record<string, string>; results: PassBinding[] } {
  if (direction === 'forward') return { kernel: depthForward, constants: {}, results: writes('out', 'lse') };
  const shared: PassBinding[] = [...reads('dOut', 'stats'), ...writes('dq')];
  if (direction === 'deferred') {
    const kernel = keepVariant(depthBackward, 'defers');
    const constants = { PAIRS_BINDING: '6u', PARAMS_BINDING: '7u' };
    return { kernel, constants, results: [...shared, ...writes('depthPairs')] };
  }
  const gradientBytes = elementBytes(problem.depthGrad?.dtype ?? problem.dtype);
  return {
    kernel: keepVariant(depthBackward, 'adds'),
    constants: { GRADIENT_BYTES: `${gradientBytes}u`, PARAMS_BINDING: '8u' },
    results: [...shared, bindKeys(source.dk, 'read_write'), bindKeys(source.dv, 'read_write')],
  };
}

function depthBounds(problem: AttentionProblem, rowFragments: number): Record<string, number> {
  const loads = (dim: number) => Math.ceil((16 * Math.ceil(dim / 16) * 2) / 32);
  return {
    ROW_FRAGMENTS: rowFragments,
    K_FRAGMENTS: Math.ceil(problem.D / 16),
    V_FRAGMENTS: Math.ceil(problem.Dv / 16),
    K_LOADS: loads(problem.D),
    V_LOADS: loads(problem.Dv),
    'SLOTS / 4u': 4,
    'SLOTS / 8u': 2,
    '4u': 4,
  };
}
