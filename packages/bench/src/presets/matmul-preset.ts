import type { BlockFormat } from '@modajs/kernels';
import type { BenchReference, MatmulJob, MatmulVariant } from '../job.ts';
import type { DeviceTraits } from '../measure/device-traits.ts';
import { type BenchScale, scaleMatmul } from './scale.ts';

/** A product that is measured; storage is f16 and B is `[K, N]` unless said. */
export interface Product {
  readonly name: string;
  readonly size: readonly [M: number, N: number, K: number];
  readonly layout?: MatmulJob['layout'];
  readonly dtype?: 'f32' | 'f16';
  readonly outDtype?: 'f32' | 'f16';
  readonly copies?: number;
  /** B in blocks; on WebGPU only. */
  readonly weights?: BlockFormat;
  /** Beside the default. */
  readonly variants?: readonly MatmulVariant[];
  readonly references?: readonly BenchReference[];
}

const H100 = 'H100, measured for this project';
const reference = (label: string, tflops: number): BenchReference => ({ label, machine: H100, part: 'total', tflops });

const HALF_PEERS = [reference('cuBLAS, best', 711), reference('torchlette, best JavaScript peer', 19.3)];
const SINGLE_PEERS = [reference('cuBLAS', 49), reference('TensorFlow.js', 22.6), reference('jax-js', 11.5)];

/** Squares, the products of the paper's models (T = 4096, C = 1024, F = 4096; T = 512, C = 384), logits and decoding. */
export const PRODUCTS: readonly Product[] = [
  {
    name: 'f16-4096',
    size: [4096, 4096, 4096],
    variants: ['naive', 'tile', 'subgroup-matrix'],
    references: HALF_PEERS,
  },
  { name: 'f32-4096', size: [4096, 4096, 4096], dtype: 'f32', variants: ['naive', 'tile'], references: SINGLE_PEERS },
  { name: 'f16-4096-f32', size: [4096, 4096, 4096], outDtype: 'f32' },
  { name: 'f16-4096-nt', size: [4096, 4096, 4096], layout: 'NT', references: HALF_PEERS },
  { name: 'f16-4096-tn', size: [4096, 4096, 4096], layout: 'TN' },
  { name: 'f16-8192', size: [8192, 8192, 8192] },
  { name: 'f32-4096-nt', size: [4096, 4096, 4096], dtype: 'f32', layout: 'NT' },
  { name: 'f32-1024', size: [1024, 1024, 1024], dtype: 'f32' },
  { name: 'f16-up', size: [4096, 4096, 1024], layout: 'NT' },
  { name: 'f16-down', size: [4096, 1024, 4096], layout: 'NT' },
  { name: 'f16-qkv', size: [4096, 1024, 1024], layout: 'NT' },
  { name: 'f16-kv', size: [4096, 512, 1024], layout: 'NT' },
  { name: 'f16-logits', size: [4096, 50304, 1024], layout: 'NT' },
  { name: 'f16-wgrad', size: [1024, 4096, 4096], layout: 'TN', outDtype: 'f32' },
  { name: 'f16-small-up', size: [512, 1536, 384], layout: 'NT' },
  { name: 'f16-small-wgrad', size: [384, 384, 512], layout: 'TN', outDtype: 'f32' },
  { name: 'f16-ragged', size: [4095, 4097, 4095], layout: 'NT' },
  { name: 'f32-small-up', size: [512, 1536, 384], layout: 'NT', dtype: 'f32' },
  { name: 'f32-up', size: [4096, 4096, 1024], layout: 'NT', dtype: 'f32' },
  { name: 'f16-thin', size: [64, 1024, 4096], layout: 'NT', copies: 16 },
  { name: 'decode-1', size: [1, 4096, 4096], layout: 'NT', copies: 8 },
  { name: 'decode-4', size: [4, 4096, 4096], layout: 'NT', copies: 8 },
  { name: 'decode-8', size: [8, 4096, 4096], layout: 'NT', copies: 8 },
  { name: 'decode-1-c1024', size: [1, 1024, 1024], layout: 'NT', copies: 64 },
  { name: 'decode-1-logits', size: [1, 50304, 1024], layout: 'NT', copies: 4 },
  { name: 'decode-1-f32', size: [1, 4096, 4096], layout: 'NT', dtype: 'f32', copies: 4 },
  { name: 'decode-1-q8_0', size: [1, 4096, 4096], layout: 'NT', weights: 'q8_0', copies: 16 },
  { name: 'decode-1-q4_0', size: [1, 4096, 4096], layout: 'NT', weights: 'q4_0', copies: 32 },
  { name: 'decode-1-q8_0-up', size: [1, 14336, 4096], layout: 'NT', weights: 'q8_0', copies: 8 },
  { name: 'decode-1-q4_0-up', size: [1, 14336, 4096], layout: 'NT', weights: 'q4_0', copies: 16 },
];

/** Every kernel variant on 4096^3 in both storage types, then every product at the default configuration. */
export function matmulPreset(traits: DeviceTraits, scale: BenchScale): MatmulJob[] {
  const products = PRODUCTS.filter(({ weights }) => weights === undefined || traits.kind === 'webgpu');
  const jobs = products.flatMap((product) => {
    const variants: readonly MatmulVariant[] = [
      ...(product.variants ?? []).filter((variant) => hasVariant(variant, traits)),
      'default',
    ];
    return variants.map((variant) => named(scaleMatmul(productJob(product, variant), traits, scale)));
  });
  // The cpu device has one kernel, and storage types that fall together measure the same twice.
  const unique = new Map<string, MatmulJob>();
  for (const job of jobs) if (!unique.has(identity(job))) unique.set(identity(job), job);
  return [...unique.values()];
}

function hasVariant(variant: MatmulVariant, traits: DeviceTraits): boolean {
  return traits.kind === 'webgpu' && (variant !== 'subgroup-matrix' || traits.subgroupMatrix);
}

function identity({ M, N, K, layout, dtype, outDtype, variant, copies, weights }: MatmulJob): string {
  return [M, N, K, layout, dtype, outDtype, variant, copies, weights].join();
}

/** The name with the sizes that run; figures of peers only where those are the published ones. */
function named(job: MatmulJob): MatmulJob {
  const { M, N, K, layout, dtype, outDtype, weights } = job;
  const types = dtype === outDtype ? `${dtype}${weights ? ` by ${weights}` : ''}` : `${dtype} to ${outDtype}`;
  const { references, ...rest } = job;
  const isPublished = M === 4096 && N === 4096 && K === 4096;
  return {
    ...rest,
    name: `${job.name} ${M}x${N}x${K} ${layout} ${types}`,
    ...(references && isPublished ? { references } : {}),
  };
}

/** The job of a product on a variant, unscaled. */
export function productJob(product: Product, variant: MatmulVariant): MatmulJob {
  const { name, size, layout = 'NN', dtype = 'f16', copies = 1, references, weights } = product;
  const [M, N, K] = size;
  return {
    kind: 'matmul',
    preset: 'matmul',
    id: `matmul/${name}/${variant}`,
    name: variant === 'default' ? name : `${name} ${variant}`,
    batch: 1,
    M,
    N,
    K,
    layout,
    dtype,
    copies,
    variant,
    outDtype: product.outDtype ?? dtype,
    ...(weights ? { weights } : {}),
    runs: variant === 'naive' ? 5 : 20,
    ...(references && variant !== 'naive' ? { references } : {}),
  };
}
