import { type FloatDType, supportsDType } from '@modajs/kernels';
import { ablationWorkspaceBytes } from '../ablation/ablation-plan.ts';
import { operandBytes } from '../cost.ts';
import type { BenchJob } from '../job.ts';
import type { DeviceTraits } from './device-traits.ts';

/** Why a job's operands do not fit the device, with the number and the limit; null when they do. */
export function memoryObstacle(job: BenchJob, traits: DeviceTraits, memoryLimitBytes: number): string | null {
  const missing = dtypesOf(job).find((dtype) => traits.kind === 'webgpu' && !supportsDType(traits, dtype));
  if (missing !== undefined) return `needs shader-${missing}, which the device lacks`;
  const operands = operandBytes(job);
  const workspace = job.kind === 'attention' ? ablationWorkspaceBytes(job.implementation, job.problem) : {};
  const all = Object.entries({ ...operands, ...workspace });
  const total = all.reduce((sum, [, bytes]) => sum + bytes, 0);
  for (const [name, bytes] of all) {
    if (bytes > traits.maxBufferBytes) return `${name} takes ${bytes} B; one buffer holds ${traits.maxBufferBytes} B`;
    // Only depth operands are split over bindings.
    if (!/depth/i.test(name) && bytes > traits.maxBindingBytes)
      return `${name} takes ${bytes} B; one binding holds ${traits.maxBindingBytes} B`;
  }
  return total > memoryLimitBytes ? `takes ${total} B; the limit is ${memoryLimitBytes} B` : null;
}

function dtypesOf(job: BenchJob): readonly FloatDType[] {
  return job.kind === 'matmul' ? [job.dtype, job.outDtype] : [job.problem.dtype];
}
