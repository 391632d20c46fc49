import type { MatmulProblem } from '../src/matmul/matmul-problem.ts';
import { type MatmulCase, matmulProblem } from '../src/testing/matmul-case.ts';

/** A product that the benchmark times. */
export interface MatmulPreset {
  readonly problem: MatmulProblem;
  /** Copies of B that are read in turn, so that small weights come from memory and not from the cache. */
  readonly copies: number;
}

const half = ['f16', 'f16', 'f16'] as const;
const mixed = ['f16', 'f16', 'f32'] as const;
const preset = (test: MatmulCase, copies = 1): MatmulPreset => ({ problem: matmulProblem(test), copies });

/** Squares, the products of the paper's models (T = 4096, C = 1024, F = 4096; T = 512, C = 384), logits and decoding. */
export const matmulPresets: Readonly<Record<string, MatmulPreset>> = {
  'f16-4096': preset({ shape: [1, 4096, 4096, 4096], dtypes: half }),
  'f16-4096-f32': preset({ shape: [1, 4096, 4096, 4096], dtypes: mixed }),
  'f16-4096-nt': preset({ shape: [1, 4096, 4096, 4096], dtypes: half, layout: 'NT' }),
  'f16-4096-tn': preset({ shape: [1, 4096, 4096, 4096], dtypes: half, layout: 'TN' }),
  'f16-8192': preset({ shape: [1, 8192, 8192, 8192], dtypes: half }),
  'f32-4096': preset({ shape: [1, 4096, 4096, 4096] }),
  'f32-4096-nt': preset({ shape: [1, 4096, 4096, 4096], layout: 'NT' }),
  'f32-1024': preset({ shape: [1, 1024, 1024, 1024] }),
  'f16-up': preset({ shape: [1, 4096, 4096, 1024], dtypes: half, layout: 'NT' }),
  'f16-down': preset({ shape: [1, 4096, 1024, 4096], dtypes: half, layout: 'NT' }),
  'f16-qkv': preset({ shape: [1, 4096, 1024, 1024], dtypes: half, layout: 'NT' }),
  'f16-kv': preset({ shape: [1, 4096, 512, 1024], dtypes: half, layout: 'NT' }),
  'f16-logits': preset({ shape: [1, 4096, 50304, 1024], dtypes: half, layout: 'NT' }),
  'f16-wgrad': preset({ shape: [1, 1024, 4096, 4096], dtypes: mixed, layout: 'TN' }),
  'f16-small-up': preset({ shape: [1, 512, 1536, 384], dtypes: half, layout: 'NT' }),
  'f16-small-wgrad': preset({ shape: [1, 384, 384, 512], dtypes: mixed, layout: 'TN' }),
  'f16-ragged': preset({ shape: [1, 4095, 4097, 4095], dtypes: half, layout: 'NT' }),
  'f32-small-up': preset({ shape: [1, 512, 1536, 384], layout: 'NT' }),
  'f32-up': preset({ shape: [1, 4096, 4096, 1024], layout: 'NT' }),
  'f16-thin': preset({ shape: [1, 64, 1024, 4096], dtypes: half, layout: 'NT' }, 16),
  'decode-1': preset({ shape: [1, 1, 4096, 4096], dtypes: half, layout: 'NT' }, 8),
  'decode-4': preset({ shape: [1, 4, 4096, 4096], dtypes: half, layout: 'NT' }, 8),
  'decode-8': preset({ shape: [1, 8, 4096, 4096], dtypes: half, layout: 'NT' }, 8),
  'decode-1-c1024': preset({ shape: [1, 1, 1024, 1024], dtypes: half, layout: 'NT' }, 64),
  'decode-1-logits': preset({ shape: [1, 1, 50304, 1024], dtypes: half, layout: 'NT' }, 4),
  'decode-1-f32': preset({ shape: [1, 1, 4096, 4096], layout: 'NT' }, 4),
};
