import { type DeviceCapabilities, f16Fragments } from '../../plan/capabilities.ts';
import { DTYPES } from '../../plan/dtype-table.ts';
import { KernelError } from '../../plan/kernel-error.ts';
import type { MatrixTile } from '../attention-config.ts';
import type { AttentionProblem } from '../attention-problem.ts';

/** The passes that have a subgroup-matrix kernel. */
export type MatrixKernel = 'forward' | 'dq' | 'dk' | 'dv' | 'dkv';

const SUBGROUP = 32;

/** Whether the device's subgroups multiply f16 fragments of 16x16x16 into f32, 32 lanes at a time. */
export function hasMatrixFragments(capabilities: DeviceCapabilities): boolean {
  const { subgroups } = capabilities;
  return (
    capabilities.f16 &&
    subgroups?.min === SUBGROUP &&
    subgroups.max === SUBGROUP &&
    f16Fragments(capabilities).some(({ M, N, K }) => M === 16 && N === 16 && K === 16)
  );
}

/** Why the sequence of a problem cannot run on subgroup matrices, or null when it can. */
export function matrixObstacle(problem: AttentionProblem, capabilities: DeviceCapabilities): string | null {
  if (!hasMatrixFragments(capabilities))
    return 'the device has no f16 -> f32 subgroup matrices of 16x16x16 and 32 lanes';
  if (!DTYPES[problem.dtype].isHalf) return 'storage must be f16';
  if (problem.D % 8 !== 0 || problem.Dv % 8 !== 0)
    return `D and Dv must be multiples of 8, got D=${problem.D}, Dv=${problem.Dv}`;
  if (problem.B * problem.Hkv > capabilities.maxWorkgroupsPerDimension)
    return `B * Hkv = ${problem.B * problem.Hkv} is above the grid`;
  return null;
}

/** Workgroup memory of a kernel, bytes. */
export function matrixMemoryBytes(kernel: MatrixKernel, tile: MatrixTile, D: number, Dv: number): number {
  const padded = (dim: number) => Math.ceil(dim / 16) * 16 + 8;
  const owned = tile.subgroups * tile.fragments * 16;
  const staged = 2 * tile.block * (padded(D) + padded(Dv)) * 2;
  const scores = owned * (tile.block + 4) * 4;
  switch (kernel) {
    case 'forward':
      return staged + scores + 16;
    case 'dq':
      return staged + scores * 2;
    default:
      return staged + tile.block * 32 + scores * 2;
  }
}

/** Tiles in order of preference, the first one measured on an H100: the first that fits workgroup memory and registers is the default. */
const FALLBACK_TILES: readonly MatrixTile[] = [
  { subgroups: 4, fragments: 2, block: 16 },
  { subgroups: 4, fragments: 1, block: 16 },
  { subgroups: 2, fragments: 1, block: 16 },
  { subgroups: 1, fragments: 1, block: 16 },
];
const TILES: Record<MatrixKernel, readonly MatrixTile[]> = {
  forward: FALLBACK_TILES,
  dq: [{ subgroups: 3, fragments: 2, block: 16 }, ...FALLBACK_TILES],
  dk: FALLBACK_TILES,
  dv: FALLBACK_TILES,
  dkv: [{ subgroups: 6, fragments: 2, block: 16 }, ...FALLBACK_TILES],
};

/** f32 accumulators that a lane may hold before they spill: fragments * 16 rows of D (and Dv), 32 lanes. */
const MAX_ACCUMULATORS = 128;

/**
 * The tile of a kernel: the asked-for one when it fits, else the first of the table that does.
 *
 * @throws KernelError with the bytes and the device's limit
 */
export function chooseMatrixTile(
  kernel: MatrixKernel,
  problem: AttentionProblem,
  capabilities: DeviceCapabilities,
  asked?: MatrixTile,
): MatrixTile {
  const limit = capabilities.maxWorkgroupMemoryBytes;
  const bytes = (tile: MatrixTile) => matrixMemoryBytes(kernel, tile, problem.D, problem.Dv);
  if (asked) {
    checkTile(kernel, asked);
    if (bytes(asked) <= limit) return asked;
    throw new KernelError(
      `kernels: attention-matrix-${kernel} needs ${bytes(asked)} B of workgroup memory at D=${problem.D}, block=${asked.block}; the device allows ${limit}. Use a smaller tile.`,
      { bytes: bytes(asked), limit },
    );
  }
  const width = kernel === 'dkv' ? problem.D + problem.Dv : Math.max(problem.D, problem.Dv);
  const chosen = TILES[kernel].find(
    (tile) =>
      bytes(tile) <= limit && (tile.fragments === 1 || (tile.fragments * 16 * width) / SUBGROUP <= MAX_ACCUMULATORS),
  );
  if (chosen) return chosen;
  const least = bytes(TILES[kernel].at(-1)!);
  throw new KernelError(
    `kernels: attention-matrix-${kernel} needs ${least} B of workgroup memory at D=${problem.D}, Dv=${problem.Dv}; the device allows ${limit}. Use sequence: 'rows'.`,
    { bytes: least, limit },
  );
}

/** Queries (keys) become fragments through the double buffer of the other side, whole subgroups at a time. */
function checkTile(kernel: MatrixKernel, tile: MatrixTile): void {
  const owned = tile.fragments * 16;
  const rows = tile.subgroups * owned;
  const round = Math.min(2 * tile.block, rows);
  const isValid =
    [1, 2].includes(tile.fragments) && [16, 32, 64].includes(tile.block) && round % owned === 0 && rows % round === 0;
  if (isValid && tile.block <= tile.subgroups * 32) return;
  throw new KernelError(
    `kernels: a tile of attention-matrix-${kernel} must have 1 or 2 fragments, blocks of 16, 32 or 64, and stage whole subgroups, got ${JSON.stringify(tile)}. Use 4 subgroups of 2 fragments and block=16.`,
    { tile },
  );
}
