import type { DeviceCapabilities } from '../plan/capabilities.ts';

/** Threads of a subgroup when the device has subgroups of one known size of at most `threads`, else null. */
export function fixedSubgroupSize({ subgroups }: DeviceCapabilities, threads: number): number | null {
  if (subgroups === null || subgroups.min !== subgroups.max) return null;
  return subgroups.max <= threads ? subgroups.max : null;
}
