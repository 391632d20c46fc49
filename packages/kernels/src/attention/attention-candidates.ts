import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { KernelError } from '../plan/kernel-error.ts';
import type { AttentionConfig, MatrixTile } from './attention-config.ts';
import type { AttentionProblem } from './attention-problem.ts';
import { depthMatrixObstacle } from './matrix/depth-passes.ts';
import { chooseMatrixTile, type MatrixKernel, matrixObstacle } from './matrix/matrix-tiles.ts';
import { tileObstacle } from './tile/tile-passes.ts';

const SUBGROUPS = [2, 3, 4, 5, 6, 8];
const BLOCKS = [16, 32];

/**
 * Configurations worth timing for a problem, the default first. With subgroup matrices one tile at a time, for every kernel that can
 * hold it: passes are timed by themselves, so the kernels' best tiles may come from different candidates.
 */
export function attentionCandidates(problem: AttentionProblem, capabilities: DeviceCapabilities): AttentionConfig[] {
  const all: AttentionConfig[] = [{}];
  if (!problem.hasSequence) {
    if (depthMatrixObstacle(problem, capabilities) === null)
      all.push(...[1, 2, 4, 8].map((depthSubgroups) => ({ depth: 'matrix', depthSubgroups }) as const));
    return all;
  }
  if (matrixObstacle(problem, capabilities) === null) return [...all, ...tileConfigs(problem, capabilities)];
  if (tileObstacle(problem, capabilities) === null) all.push({ sequence: 'tile' });
  return [...all, { sequence: 'rows' }];
}

function tileConfigs(problem: AttentionProblem, capabilities: DeviceCapabilities): AttentionConfig[] {
  const tiles = SUBGROUPS.flatMap((subgroups) =>
    [1, 2].flatMap((fragments) => BLOCKS.map((block): MatrixTile => ({ subgroups, fragments, block }))),
  );
  return tiles.flatMap((tile) => {
    const fits = (kernel: MatrixKernel) => holdsTile(kernel, tile, problem, capabilities);
    const config = Object.fromEntries((['forward', 'dq', 'dkv'] as const).filter(fits).map((kernel) => [kernel, tile]));
    return Object.keys(config).length > 0 ? [config] : [];
  });
}

function holdsTile(
  kernel: MatrixKernel,
  tile: MatrixTile,
  problem: AttentionProblem,
  capabilities: DeviceCapabilities,
): boolean {
  if (tile.subgroups * 32 > Math.min(capabilities.maxInvocations, capabilities.maxWorkgroupSize[0])) return false;
  try {
    chooseMatrixTile(kernel, problem, capabilities, tile);
    return true;
  } catch (error) {
    if (error instanceof KernelError) return false;
    throw error;
  }
}
