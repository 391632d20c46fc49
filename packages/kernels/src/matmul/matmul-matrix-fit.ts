import { type DeviceCapabilities, f16Fragments } from '../plan/capabilities.ts';
import { DTYPES } from '../plan/dtype-table.ts';
import type { SubgroupMatrixTileConfig } from './matmul-config.ts';
import type { MatmulProblem } from './matmul-problem.ts';

// What choosing a configuration asks about products on subgroup matrices, without their shader.

/** Subgroups of a workgroup. */
export function subgroupCount({ blockM, blockN, subgroupM, subgroupN }: SubgroupMatrixTileConfig): number {
  return (blockM / subgroupM) * (blockN / subgroupN);
}

/** Workgroup memory of a configuration for a problem, bytes: it depends on how the operands are stored. */
export function subgroupMatrixMemoryBytes(problem: MatmulProblem, config: SubgroupMatrixTileConfig): number {
  return matrixMemoryBytes(problem, config, 1);
}

/** Rows of A (columns of B) in a strip of workgroup memory. */
export const STRIP_WIDTH = 32;

/**
 * Workgroup memory, bytes: strips of one size hold the tiles, and on the way out `rowFragments` fragments of sums of each
 * subgroup.
 */
export function matrixMemoryBytes(
  problem: MatmulProblem,
  config: SubgroupMatrixTileConfig,
  rowFragments: number,
): number {
  const { blockM, blockN, blockK, stages, fragment } = config;
  const strip = (isAlongRow: boolean) => 2 * (isAlongRow ? STRIP_WIDTH * (blockK + 8) : blockK * (STRIP_WIDTH + 8));
  const sums = fragment[0] * fragment[1] * 4;
  const words = Math.max(strip(!problem.a.transposed), strip(problem.b.transposed), sums) / 16;
  const bytes = 16 * (Math.floor((words + 3) / 8) * 8 + 4);
  const tiles = stages * ((blockM + blockN) / STRIP_WIDTH);
  return bytes * Math.max(tiles, Math.ceil((subgroupCount(config) * rowFragments) / Math.floor(bytes / sums)));
}

/** Whether both inputs are f16, which is what subgroup matrices multiply here. */
export function haveHalves({ a, b }: MatmulProblem): boolean {
  return DTYPES[a.dtype].isHalf && DTYPES[b.dtype].isHalf;
}

/** Whether the device multiplies f16 fragments of this size into f32 and has one subgroup size. */
export function hasFragment(capabilities: DeviceCapabilities, [M, N, K]: readonly [number, number, number]): boolean {
  const { f16, subgroups } = capabilities;
  return (
    f16 &&
    subgroups !== null &&
    subgroups.min === subgroups.max &&
    f16Fragments(capabilities).some((config) => config.M === M && config.N === N && config.K === K)
  );
}
