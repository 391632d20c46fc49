import type { DeviceCapabilities } from './capabilities.ts';
import { KernelError } from './kernel-error.ts';
import { SMALLER_OPERAND } from './smaller-operand.ts';

/**
 * A line of `count` workgroups as a rectangle, for one dimension holds 65,535 at most; rows are as even as can be.
 * The shader counts `group.y * num_workgroups.x + group.x` and leaves when that is past its work.
 *
 * @throws KernelError when two dimensions do not hold them
 */
export function foldWorkgroups(
  count: number,
  { maxWorkgroupsPerDimension: limit }: Pick<DeviceCapabilities, 'maxWorkgroupsPerDimension'>,
): [number, number, number] {
  const rows = Math.max(1, Math.ceil(count / limit));
  if (rows > limit) {
    const figures = { count, limit: limit * limit };
    throw new KernelError(
      `kernels: a dispatch needs ${count} workgroups; the device allows ${limit * limit}. ${SMALLER_OPERAND}`,
      figures,
    );
  }
  return [Math.ceil(count / rows), rows, 1];
}
