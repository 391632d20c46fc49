import type { DeviceCapabilities } from '../../plan/capabilities.ts';
import { supportsDType } from '../../plan/dtype-support.ts';
import { elementBytes } from '../../plan/dtype-table.ts';
import { foldWorkgroups } from '../../plan/fold-workgroups.ts';
import { reads, writes } from '../../plan/pass-bindings.ts';
import type { KernelPass, PassBinding } from '../../plan/plan.ts';
import { isSoftwareAdapter } from '../../plan/software-adapter.ts';
import { specialize } from '../../plan/specialize.ts';
import { unroll } from '../../plan/unroll.ts';
import type { AttentionProblem } from '../attention-problem.ts';
import type { KeySource } from '../key-source.ts';
import { bindKeys } from '../rows/rows-passes.ts';
import { type SourceStep, sourceParams } from '../source-params.ts';
import depthVectorBackward from './depth-vector-backward.wgsl';
import depthVectorForward from './depth-vector-forward.wgsl';

/** Heads whose queries, gradients and sums a lane holds without spilling. */
const MAX_GROUP = 4;
/** Bytes of a lane: 8 numbers of f16, 4 of f32. */
const LANE_BYTES = 16;
/** How a vector kernel is shaped: measured, not reasoned. */
export interface VectorShape {
  readonly threads: number;
  /** Slots that are walked at once, 4 or 8 and at most the lanes: a lane each has the sums of one. */
  readonly slots: number;
}

function vectorShape(direction: 'forward' | 'backward', lanes: number, G: number): VectorShape {
  // Registers decide: measured on an H200 at D=64, G=2 and 3 (LOG.md, 2026-11-29).
  const isFew = direction === 'forward' ? G > 2 : G <= 2;
  return { threads: 128, slots: Math.min(isFew ? 4 : 8, lanes) };
}

/** Lanes that hold a row of a head. */
const lanesOf = ({ D, dtype }: AttentionProblem): number => (D * elementBytes(dtype)) / LANE_BYTES;

/** Why the depth part of a problem cannot run on the vector kernels, or null when it can. */
export function depthVectorObstacle(problem: AttentionProblem, capabilities: DeviceCapabilities): string | null {
  const { H, Hkv, D, Dv, dtype, depth } = problem;
  const lanes = lanesOf(problem);
  if (depth?.chunk !== 1) return 'a chunk must be 1';
  if (!supportsDType(capabilities, dtype)) return `the device has no shader-${dtype}`;
  if (H / Hkv > MAX_GROUP) return `a group must have at most ${MAX_GROUP} heads, got ${H / Hkv}`;
  if (D !== Dv || ![4, 8, 16, 32].includes(lanes)) {
    const sizes = [4, 8, 16, 32].map((count) => (count * D) / lanes);
    return `D and Dv must be one of ${sizes.join(', ')} in ${dtype}, got D=${D}, Dv=${Dv}`;
  }
  if (!capabilities.subgroups || capabilities.subgroups.min < lanes)
    return `the device must have subgroups of at least ${lanes} lanes`;
  return null;
}

/** Forward, or backward with deferred gradients (dq and the pairs (p, dS)), of one depth source with chunk 1. */
export function depthVectorPass(
  direction: 'forward' | 'backward',
  problem: AttentionProblem,
  source: KeySource,
  step: SourceStep,
  capabilities: DeviceCapabilities,
  shape?: VectorShape,
): KernelPass {
  const { B, T, H, Hkv, D, dtype } = problem;
  const G = H / Hkv;
  const lanes = lanesOf(problem);
  const { threads, slots } = shape ?? vectorShape(direction, lanes, G);
  const kernel = direction === 'forward' ? depthVectorForward : depthVectorBackward;
  const shader = isSoftwareAdapter(capabilities) ? kernel : unroll(kernel, { G, SLOTS: slots });
  return {
    label: `attention-depth-vector-${direction} D=${D} G=${G}`,
    shader: specialize(shader, {
      BYTES: `${elementBytes(dtype)}u`,
      G: `${G}u`,
      LANES: `${lanes}u`,
      SLOTS: `${slots}u`,
      THREADS: `${threads}u`,
    }),
    constants: {},
    bindings: [...reads('q'), bindKeys(source.k, 'read'), bindKeys(source.v, 'read'), ...RESULTS[direction]],
    uniform: sourceParams(problem, source, step),
    workgroups: foldWorkgroups(Math.ceil((B * T * Hkv * lanes) / threads), capabilities),
  };
}

const RESULTS: Record<'forward' | 'backward', readonly PassBinding[]> = {
  forward: writes('out', 'lse'),
  backward: [...reads('dOut', 'stats'), ...writes('dq', 'depthPairs')],
};
