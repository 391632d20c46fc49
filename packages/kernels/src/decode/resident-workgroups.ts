import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { writes } from '../plan/pass-bindings.ts';
import type { KernelPlan } from '../plan/plan.ts';
import { specialize } from '../plan/specialize.ts';
import source from './resident-workgroups.wgsl';

/** Workgroups of the count: more than any device runs at once. */
const OFFERED = 1024;
const POLLS = 4096;
/** Workgroup memory of the workgroups that are counted. */
export const RESIDENT_MEMORY_BYTES = 32768;

/**
 * Plans a count of the workgroups that run at once: those of at most 512 threads and 32 KiB of workgroup memory may wait for each other when no
 * more of them are dispatched. Operand: `counts` u32 `[4]`, zero before; the result is `counts[1]`.
 */
export function planResidentWorkgroups(caps: DeviceCapabilities): KernelPlan {
  const threads = Math.min(512, caps.maxInvocations);
  const words = Math.min(RESIDENT_MEMORY_BYTES, caps.maxWorkgroupMemoryBytes) / 4;
  return {
    passes: [
      {
        label: 'resident-workgroups',
        shader: specialize(source, { FILLER: `${words}u` }),
        constants: { THREADS: threads, POLLS },
        bindings: writes('counts'),
        uniform: null,
        workgroups: [OFFERED, 1, 1],
      },
    ],
    workspace: {},
  };
}
