import {
  type AttentionProblem,
  type DeviceCapabilities,
  KernelError,
  type KernelPlan,
  requireDTypes,
} from '@modajs/kernels';
import type { AttentionImplementation } from '../job.ts';
import { planFlatBackward, planFlatForward } from './flat/flat-plan.ts';
import { naiveWorkspaceBytes, planNaiveBackward, planNaiveForward } from './naive/naive-plan.ts';

/** The steps of the paper's Table 7 that come before what ships. */
export type AblationStep = Exclude<AttentionImplementation, 'shipped'>;

/**
 * Plans a step of the ablation: the operands and results of `planAttentionForward` and `planAttentionBackward`, another way there.
 * B = 1, causal, chunk 1, one depth segment that is full, D = Dv a multiple of 4.
 *
 * @throws KernelError for a problem that these benchmark kernels do not cover
 * Reference: arXiv 2603.15619, Table 7.
 */
export function ablationPlan(
  step: AblationStep,
  direction: 'forward' | 'backward',
  problem: AttentionProblem,
  capabilities: DeviceCapabilities,
): KernelPlan {
  requireCovered(problem, capabilities);
  if (step === 'naive') {
    return direction === 'forward' ? planNaiveForward(problem, capabilities) : planNaiveBackward(problem, capabilities);
  }
  const hasChunkRange = step === 'chunk-range';
  return direction === 'forward'
    ? planFlatForward(problem, hasChunkRange, capabilities)
    : planFlatBackward(problem, hasChunkRange, capabilities);
}

/** Scratch memory of a step by name, bytes; what ships needs next to none. */
export function ablationWorkspaceBytes(
  implementation: AttentionImplementation,
  problem: AttentionProblem,
): Readonly<Record<string, number>> {
  return implementation === 'naive' ? naiveWorkspaceBytes(problem) : {};
}

function requireCovered(problem: AttentionProblem, capabilities: DeviceCapabilities): void {
  const { B, T, Tk, H, Hkv, D, Dv, causal, hasSequence, depth, dtype } = problem;
  const isPlain = B === 1 && T === Tk && causal && hasSequence && H % Hkv === 0 && !problem.hasDocRange;
  const isFull = depth !== null && depth.chunk === 1 && depth.Td === T && depth.S > 0 && depth.segments[0] === depth.S;
  const isSimple = problem.window === undefined && !problem.dLse && !problem.depthGrad?.accumulate;
  if (!isPlain || !isFull || !isSimple || D !== Dv || D % 4 !== 0) {
    throw new KernelError(
      `bench: a step of the ablation takes B=1, causal MoDA with one full segment and D = Dv a multiple of 4, got ${JSON.stringify(problem)}. Use the shipped kernels.`,
      { problem },
    );
  }
  requireDTypes('the ablation', capabilities, dtype);
  const bytes = 3 * 32 * (D + 4) * 4 + 32 * 33 * 4;
  if (bytes > capabilities.maxWorkgroupMemoryBytes) {
    throw new KernelError(
      `bench: the flat steps need ${bytes} B of workgroup memory at D=${D}; the device allows ${capabilities.maxWorkgroupMemoryBytes}. Use a smaller D.`,
      { bytes },
    );
  }
}
