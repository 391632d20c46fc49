import type { GemvConfig, SubgroupMatrixTileConfig, TileConfig } from './matmul-config.ts';

/** A tiled configuration with what was measured of it. */
export interface BlockCandidate {
  readonly config: TileConfig | SubgroupMatrixTileConfig;
  /** Workgroups that a multiprocessor holds at once. */
  readonly atOnce: number;
  /**
   * On a large product, TFLOP/s on an H100 or H200 (of blocks for small products: what makes the choice right there); only the ratios
   * matter on another device.
   */
  readonly tflops: number;
  /** Not worth it where A is stored transposed. */
  readonly wantsRowsOfA?: boolean;
}

/** Multiprocessors of the device that the table was measured on. */
export const MULTIPROCESSORS = 132;

const tile = (
  [blockM, blockN, blockK]: readonly [number, number, number],
  [threadM, threadN]: readonly [number, number],
  atOnce: number,
  tflops: number,
): BlockCandidate => ({
  config: { kind: 'tile', blockM, blockN, blockK, threadM, threadN, stages: 1, splitK: 1 },
  atOnce,
  tflops,
});

/** Register tiles; the last ones fit every device. One stage: as fast as two, and far faster where bounds are checked. */
export const tileTable: readonly BlockCandidate[] = [
  tile([128, 128, 8], [8, 8], 2, 41.5),
  tile([64, 128, 8], [8, 8], 4, 31),
  tile([64, 64, 8], [8, 4], 4, 34),
  tile([32, 64, 16], [4, 4], 6, 25),
  tile([32, 32, 16], [4, 4], 8, 18),
  tile([16, 64, 16], [4, 4], 8, 15),
  tile([64, 16, 16], [4, 4], 8, 15),
];

interface SubgroupBlock extends Omit<BlockCandidate, 'config'> {
  readonly block: readonly [M: number, N: number, K: number];
  readonly part: readonly [M: number, N: number];
}

/**
 * Blocks of the subgroup-matrix variant: size, the part of one subgroup, workgroups at once, TFLOP/s (the first three measured on an
 * H200, the others in proportion to an H100's). NVIDIA's Vulkan driver keeps about 50 KiB of a multiprocessor's memory for
 * workgroups, so a block of 20 KiB runs twice there and one of 30 once: the largest block is not the fastest.
 */
const SUBGROUP_BLOCKS: readonly SubgroupBlock[] = [
  { block: [128, 128, 32], part: [64, 64], atOnce: 2, tflops: 305 },
  { block: [256, 128, 32], part: [64, 64], atOnce: 1, tflops: 259 },
  { block: [128, 256, 32], part: [64, 64], atOnce: 1, tflops: 277 },
  { block: [128, 64, 32], part: [32, 32], atOnce: 2, tflops: 158 },
  { block: [64, 64, 32], part: [32, 32], atOnce: 4, tflops: 126 },
  { block: [32, 64, 32], part: [16, 32], atOnce: 6, tflops: 84 },
  { block: [32, 32, 32], part: [16, 16], atOnce: 8, tflops: 53 },
  // Half as many steps, each as long as memory takes to answer, where few workgroups share a multiprocessor: 512x768x768 in 9.4 us
  // instead of 12.6. Figures such that they are chosen where they were faster (60 of 66 products tried, the worst 9 % slower).
  { block: [128, 64, 64], part: [32, 32], atOnce: 1, tflops: 130, wantsRowsOfA: true },
  { block: [64, 64, 64], part: [32, 32], atOnce: 2, tflops: 166, wantsRowsOfA: true },
  { block: [32, 64, 64], part: [16, 32], atOnce: 3, tflops: 92 },
];

/** The subgroup-matrix variant for a fragment size. */
export function subgroupMatrixTable(fragment: SubgroupMatrixTileConfig['fragment']): BlockCandidate[] {
  return SUBGROUP_BLOCKS.map(({ block, part, ...measured }) => ({
    config: {
      kind: 'subgroup-matrix',
      blockM: block[0],
      blockN: block[1],
      blockK: block[2],
      subgroupM: part[0],
      subgroupN: part[1],
      fragment,
      stages: 1,
      splitK: 1,
      prefetch: true,
    },
    ...measured,
  }));
}

const gemv = (columns: number, lanes: number, groups: number): GemvConfig => ({
  kind: 'gemv',
  columns,
  lanes,
  groups,
  splitK: 1,
});

/** What is worth trying for few rows. */
export const gemvTable: readonly GemvConfig[] = [
  gemv(1, 32, 4),
  gemv(2, 32, 4),
  gemv(4, 32, 4),
  gemv(1, 64, 2),
  gemv(2, 64, 2),
  gemv(4, 16, 8),
  gemv(1, 128, 1),
];
