import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { elementBytes } from '../plan/dtype-table.ts';
import type { PassBinding } from '../plan/plan.ts';
import type { AttentionProblem, DepthProblem } from './attention-problem.ts';
import { slice } from './key-source.ts';

/** A run of elements of a depth gradient operand that belongs to slots at or beyond S. */
export interface UnusedRun {
  readonly buffer: string;
  readonly range: PassBinding['range'];
  /** Elements from the binding's start. */
  readonly offset: number;
  readonly count: number;
}

/** The gradient elements of all slots that are not in use, split where bindings end. */
export function unusedSlots(
  problem: AttentionProblem,
  depth: DepthProblem,
  capabilities: DeviceCapabilities,
): UnusedRun[] {
  const bytes = elementBytes(problem.depthGrad?.dtype ?? problem.dtype);
  const perBinding = Math.floor((capabilities.maxBindingBytes - capabilities.minStorageAlignment) / bytes);
  const runs: UnusedRun[] = [];
  let before = 0;
  for (const [segment, held] of depth.segments.entries()) {
    const live = Math.max(0, Math.min(held, depth.S - before));
    before += held;
    for (const [name, dim] of [
      ['dDepthK', problem.D],
      ['dDepthV', problem.Dv],
    ] as const) {
      const slot = problem.B * depth.Td * problem.Hkv * dim;
      for (let first = live * slot; first < held * slot; first += perBinding) {
        const count = Math.min(perBinding, held * slot - first);
        runs.push({ buffer: `${name}${segment}`, count, ...slice(first, count, bytes, held * slot, capabilities) });
      }
    }
  }
  return runs;
}
