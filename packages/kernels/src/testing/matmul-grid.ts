import type { GemvConfig, MatmulConfig, SubgroupMatrixTileConfig, TileConfig } from '../matmul/matmul-config.ts';
import { hasFragment } from '../matmul/matmul-matrix-fit.ts';
import type { DeviceCapabilities } from '../plan/capabilities.ts';
import type { MatmulCase } from './matmul-case.ts';

/** One kernel variant with a configuration small enough to test quickly. */
export interface KernelVariant {
  readonly name: string;
  readonly config: MatmulConfig;
  readonly cases: readonly MatmulCase[];
}

const small: TileConfig = {
  kind: 'tile',
  blockM: 32,
  blockN: 32,
  blockK: 4,
  threadM: 4,
  threadN: 4,
  stages: 1,
  splitK: 1,
};
const large: TileConfig = { ...small, blockM: 64, blockN: 32, blockK: 8, threadM: 8, threadN: 8, stages: 2 };
const uneven: TileConfig = { ...small, blockM: 32, blockN: 16, blockK: 12, threadM: 4, threadN: 4 };
const gemv: GemvConfig = { kind: 'gemv', columns: 2, lanes: 16, groups: 4, splitK: 1 };
const matrix: SubgroupMatrixTileConfig = {
  kind: 'subgroup-matrix',
  blockM: 64,
  blockN: 64,
  blockK: 32,
  subgroupM: 32,
  subgroupN: 32,
  fragment: [16, 16, 16],
  stages: 1,
  splitK: 1,
  prefetch: true,
};
const wide: Partial<SubgroupMatrixTileConfig> = { blockM: 256, blockN: 128, subgroupM: 64, subgroupN: 64 };

/**
 * Every variant that the device can run, with the cases that its edges need.
 *
 * @param isBrief fewer cases of the tiled variants, for software adapters that compile each for seconds
 */
export function matmulGrid(capabilities: DeviceCapabilities, isBrief = false): KernelVariant[] {
  const variants = allVariants(capabilities);
  return isBrief
    ? variants.map((variant) => ({ ...variant, cases: variant.cases.filter(briefly(variant)) }))
    : variants;
}

/** Each tiled variant keeps one case a layout, spread over ragged, aligned, padded and half-precision ones. */
function briefly({ name, config }: KernelVariant): (test: MatmulCase, index: number) => boolean {
  if (config.kind === 'naive') return () => true;
  if (config.kind === 'gemv') return (_test, index) => (config.columns === 2 ? index < 4 : index === 1);
  const kept = name === 'tile' ? [0, 6, 12, 13, 15, 18] : name === 'tile in slices' ? [1, 16] : [3, 13];
  return (_test, index) => kept.includes(index);
}

function allVariants(capabilities: DeviceCapabilities): KernelVariant[] {
  const variants: KernelVariant[] = [
    { name: 'naive', config: { kind: 'naive' }, cases: generalCases },
    { name: 'tile', config: small, cases: generalCases },
    { name: 'tile 8x8 in two stages', config: large, cases: generalCases },
    { name: 'tile with idle threads', config: uneven, cases: generalCases },
    { name: 'tile in slices', config: { ...small, splitK: 3 }, cases: generalCases },
    { name: 'gemv', config: gemv, cases: fewRowCases },
    { name: 'gemv of 4 lanes', config: { ...gemv, lanes: 4 }, cases: fewRowCases },
    { name: 'gemv in slices', config: { ...gemv, columns: 4, splitK: 3 }, cases: fewRowCases },
    { name: 'gemv of one column', config: { ...gemv, columns: 1 }, cases: fewRowCases.slice(0, 2) },
  ];
  const matrices: readonly (readonly [string, Partial<SubgroupMatrixTileConfig>])[] = [
    ['', {}],
    ['in two stages', { stages: 2, blockK: 16 }],
    ['of 256x128', wide],
    ['64 deep', { blockK: 64 }],
    ['in slices without prefetch', { splitK: 3, prefetch: false }],
    ['of 16x8x16', { fragment: [16, 8, 16] }],
    ['of 16x8x8', { fragment: [16, 8, 8] }],
    ['of 8x8x8', { fragment: [8, 8, 8] }],
    ['of 8x16x16', { fragment: [8, 16, 16] }],
  ];
  for (const [name, change] of matrices) {
    const config = { ...matrix, ...change };
    if (hasFragment(capabilities, config.fragment)) {
      variants.push({ name: `subgroup matrix ${name}`.trim(), config, cases: halfCases });
    }
  }
  return variants;
}

const layouts = ['NN', 'NT', 'TN', 'TT'];
const half = ['f16', 'f16', 'f16'] as const;
const wideOut = ['f16', 'f16', 'f32'] as const;
const silu = { activation: 'silu', alpha: 0.75 } as const;
const gelu = { activation: 'gelu', accumulate: true } as const;

/** Tile edges, padded rows, every epilogue, both dtypes. */
const generalCases: readonly MatmulCase[] = [
  ...layouts.map((layout) => ({ shape: [2, 33, 31, 47], layout }) as const),
  ...layouts.map((layout) => ({ shape: [1, 65, 68, 100], layout, bias: true }) as const),
  { shape: [3, 32, 32, 16] },
  { shape: [1, 1, 37, 5], layout: 'TN' },
  { shape: [1, 1, 1, 1] },
  { shape: [1, 7, 3, 0] },
  { shape: [2, 35, 37, 41], layout: 'NT', padding: 3 },
  { shape: [2, 36, 40, 44], layout: 'TN', padding: 4 },
  { shape: [5, 9, 11, 13], layout: 'NT', broadcastB: true },
  { shape: [2, 19, 23, 29], bias: true, residual: true, more: silu },
  { shape: [2, 20, 24, 28], bias: true, residual: true, padding: 4, more: gelu },
  { shape: [1, 29, 23, 61], layout: 'NT', dtypes: half, more: { activation: 'relu' } },
  { shape: [2, 36, 40, 64], layout: 'TN', dtypes: half, bias: true, residual: true },
  { shape: [1, 29, 23, 61], dtypes: ['f32', 'f16', 'f32'] },
];

const fewRowCases: readonly MatmulCase[] = [
  { shape: [1, 1, 37, 264], layout: 'NT', dtypes: half },
  { shape: [1, 1, 37, 251], layout: 'NT', bias: true, residual: true, more: silu },
  { shape: [2, 3, 19, 61], layout: 'TT', dtypes: ['f32', 'f16', 'f32'], padding: 3 },
  { shape: [1, 5, 8, 520], layout: 'NT', dtypes: half, padding: 8 },
  { shape: [1, 8, 24, 128], layout: 'NT', dtypes: ['f16', 'f32', 'f32'], more: gelu },
];

const halfCases: readonly MatmulCase[] = [
  ...layouts.map((layout) => ({ shape: [2, 131, 67, 83], layout, dtypes: half, bias: true, residual: true }) as const),
  ...layouts.map((layout) => ({ shape: [1, 264, 136, 72], layout, dtypes: wideOut }) as const),
  { shape: [1, 256, 128, 96], dtypes: half, more: { ...gelu, alpha: 0.5 } },
  { shape: [1, 128, 192, 64], layout: 'NT', dtypes: wideOut, padding: 8 },
  { shape: [1, 1, 5, 3], layout: 'NT', dtypes: half },
  // Added to what is there, with nothing in between: aligned, ragged, in f32.
  { shape: [1, 64, 128, 64], dtypes: half, more: { accumulate: true } },
  { shape: [2, 36, 40, 64], layout: 'NT', dtypes: half, more: { accumulate: true } },
  { shape: [1, 132, 72, 96], layout: 'TN', dtypes: wideOut, more: { accumulate: true } },
  // Rows on multiples of 16 bytes whose last word reaches over M, N or K.
  ...layouts.map((layout) => ({ shape: [2, 131, 67, 83], layout, dtypes: wideOut, rowMultiple: 8 }) as const),
];
