import type { DeviceCapabilities } from '../plan/capabilities.ts';
import { KernelError } from '../plan/kernel-error.ts';
import { isSoftwareAdapter } from '../plan/software-adapter.ts';
import type { AttentionConfig } from './attention-config.ts';
import type { AttentionProblem } from './attention-problem.ts';
import type { Direction } from './direction.ts';
import { gatherObstacle } from './gather/depth-gather.ts';
import type { KeySource } from './key-source.ts';
import { depthMatrixObstacle } from './matrix/depth-passes.ts';
import { matrixObstacle } from './matrix/matrix-tiles.ts';
import { tileObstacle } from './tile/tile-passes.ts';
import { depthVectorObstacle } from './vector/vector-passes.ts';

/** Packed rows (positions times heads of a group) under which a tile is mostly padding. */
const MIN_TILE_ROWS = 16;

/** A family of kernels. */
export type KernelVariant = 'rows' | 'tile' | 'vector' | 'matrix';

/**
 * The kernel family of a source: what the configuration asks for, else the fastest that the device and the shapes allow.
 *
 * @throws KernelError when the asked-for variant cannot run
 */
export function chooseVariant(
  problem: AttentionProblem,
  source: KeySource,
  direction: Direction,
  capabilities: DeviceCapabilities,
  config: AttentionConfig,
): KernelVariant {
  if (source.kind === 'empty') return 'rows';
  const isDepth = source.kind === 'depth';
  const obstacles = isDepth
    ? depthObstacles(problem, direction, capabilities)
    : sequenceObstacles(problem, capabilities);
  const asked = isDepth ? config.depth : config.sequence;
  if (asked) {
    const obstacle = obstacles[asked];
    if (obstacle === null) return asked;
    throw new KernelError(
      `attention: the ${asked} variant of the ${source.kind} cannot run, ${obstacle}. Use 'rows'.`,
      {
        obstacle,
      },
    );
  }
  if (!isDepth && (problem.T * problem.H) / problem.Hkv < MIN_TILE_ROWS) return 'rows';
  if (isSoftwareAdapter(capabilities)) return obstacles.matrix === null ? 'matrix' : 'rows';
  return FASTEST_FIRST.find((variant) => obstacles[variant] === null)!;
}

/**
 * Whether the depth gradients of a problem are better deferred (`defersDepth`, `planDepthGather`) than added up by every reader:
 * wherever the kernels can.
 */
export function prefersDeferredDepth(problem: AttentionProblem, capabilities: DeviceCapabilities): boolean {
  const { depth, T } = problem;
  return depth?.chunk === 1 && depth.Td === T && gatherObstacle(problem, capabilities) === null;
}

/** `vector` holds small groups of depth heads only, where it moves more bytes a second than fragments that are mostly padding. */
const FASTEST_FIRST: readonly KernelVariant[] = ['vector', 'matrix', 'tile', 'rows'];

function sequenceObstacles(
  problem: AttentionProblem,
  capabilities: DeviceCapabilities,
): Record<KernelVariant, string | null> {
  return {
    vector: 'sequences have no vector kernels',
    matrix: matrixObstacle(problem, capabilities),
    tile: tileObstacle(problem, capabilities),
    rows: null,
  };
}

function depthObstacles(
  problem: AttentionProblem,
  direction: Direction,
  capabilities: DeviceCapabilities,
): Record<KernelVariant, string | null> {
  return {
    vector: direction === 'backward' ? 'it only defers depth gradients' : depthVectorObstacle(problem, capabilities),
    matrix: depthMatrixObstacle(problem, capabilities),
    tile: 'depth has no register tiles',
    rows: null,
  };
}
