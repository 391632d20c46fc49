/** One thread an element of out. The first variant, and the baseline of the others. */
export interface NaiveConfig {
  readonly kind: 'naive';
}

/** What tiled kernels share: a workgroup makes `blockM x blockN` of out in steps of `blockK`. */
interface BlockConfig {
  readonly blockM: number;
  readonly blockN: number;
  readonly blockK: number;
  /** Tiles in workgroup memory: 2 saves a barrier per step and doubles the memory. */
  readonly stages: 1 | 2;
  /** Slices of K computed side by side and added by a second pass; 1 is one pass. */
  readonly splitK: number;
  /** Rows of tiles that are walked together, so that neighbours in time share operands in the cache; 8 by default. */
  readonly band?: number;
}

/** Register tile: a thread makes `threadM x threadN` of out (multiples of 4). */
export interface TileConfig extends BlockConfig {
  readonly kind: 'tile';
  readonly threadM: number;
  readonly threadN: number;
}

/** Subgroup matrices: a subgroup makes `subgroupM x subgroupN` of out in fragments of the adapter's own sizes. */
export interface SubgroupMatrixTileConfig extends BlockConfig {
  readonly kind: 'subgroup-matrix';
  readonly subgroupM: number;
  readonly subgroupN: number;
  /** M, N and K of one fragment. */
  readonly fragment: readonly [M: number, N: number, K: number];
  /** Reads the next tile into registers while this one is multiplied. */
  readonly prefetch: boolean;
}

/** Few rows against a B stored `[N, K]`: `lanes` threads share the K of `columns` columns, `groups` times in a workgroup. */
export interface GemvConfig {
  readonly kind: 'gemv';
  /** 1, 2 or 4. */
  readonly columns: number;
  /** A power of two. */
  readonly lanes: number;
  readonly groups: number;
  readonly splitK: number;
}

/** How a product is computed; `chooseMatmulConfig` has a good one for each problem. */
export type MatmulConfig = NaiveConfig | GemvConfig | TileConfig | SubgroupMatrixTileConfig;

/** Name of a configuration in profiles and tables. */
export function describeMatmulConfig(config: MatmulConfig): string {
  if (config.kind === 'naive') return 'matmul-naive';
  const split = config.splitK > 1 ? ` split ${config.splitK}` : '';
  if (config.kind === 'gemv')
    return `matmul-gemv columns ${config.columns} lanes ${config.lanes}x${config.groups}${split}`;
  const { blockM, blockN, blockK, stages, band } = config;
  const tail = `stages ${stages}${split}${band ? ` band ${band}` : ''}`;
  const block = `${blockM}x${blockN}x${blockK}`;
  if (config.kind === 'tile') return `matmul-tile ${block} thread ${config.threadM}x${config.threadN} ${tail}`;
  const fragment = config.fragment.join('x');
  const inner = `subgroup ${config.subgroupM}x${config.subgroupN} of ${fragment}`;
  return `matmul-subgroup-matrix ${block} ${inner} ${tail}${config.prefetch ? ' prefetch' : ''}`;
}
