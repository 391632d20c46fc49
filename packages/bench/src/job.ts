import type { AttentionConfig, AttentionProblem, BlockFormat, MatmulConfig } from '@modajs/kernels';

/** The benchmarks that come with the package; `step` rows are made by whoever trains (`moda bench step`). */
export type BenchPresetName = 'matmul' | 'attention' | 'moda' | 'ablation' | 'step' | 'tune';

/** A figure measured elsewhere, to stand beside a row. */
export interface BenchReference {
  readonly label: string;
  /** Machine and source: `A100, arXiv 2603.15619 Table 2`. */
  readonly machine: string;
  /** Which part of the row it compares with. */
  readonly part: 'forward' | 'backward' | 'total';
  readonly timeMs?: number;
  readonly tflops?: number;
  /** `(moda - attention) / moda`. */
  readonly extraTime?: number;
}

interface JobBase {
  /** Unique within a run; rows name their baseline by it. */
  readonly id: string;
  readonly preset: BenchPresetName;
  /** For people. */
  readonly name: string;
  /** Measured runs after the warm-up. */
  readonly runs: number;
  /** Id of the job that this one's extra time is over. */
  readonly baseline?: string;
  readonly references?: readonly BenchReference[];
}

/** A kernel variant; `default` is what the kernels choose by themselves. */
export type MatmulVariant = 'default' | 'naive' | 'tile' | 'subgroup-matrix';

/** `out [M, N] = A [M, K] . B [K, N]`, dense, without an epilogue. */
export interface MatmulJob extends JobBase {
  readonly kind: 'matmul';
  readonly batch: number;
  readonly M: number;
  readonly N: number;
  readonly K: number;
  /** Whether A and B are stored transposed. */
  readonly layout: 'NN' | 'NT' | 'TN' | 'TT';
  readonly dtype: 'f32' | 'f16';
  readonly outDtype: 'f32' | 'f16';
  /** B in blocks, `[N, K]`, by the kernel of few rows (`planQuantizedProduct`): one batch, layout NT, outDtype as dtype. WebGPU only. */
  readonly weights?: BlockFormat;
  /** Copies of B that are read in turn, so that small weights come from memory and not from a cache. */
  readonly copies: number;
  readonly variant: MatmulVariant;
  /** Instead of the variant's own choice. */
  readonly config?: MatmulConfig;
}

/**
 * `shipped`: the plans of `@modajs/kernels`. The others are the steps before it of the paper's Table 7:
 * `naive`, `flat` depth layout, `chunk-range`.
 */
export type AttentionImplementation = 'shipped' | 'naive' | 'flat' | 'chunk-range';

/** Attention, depth attention or MoDA, forward or forward and backward. */
export interface AttentionJob extends JobBase {
  readonly kind: 'attention';
  readonly problem: AttentionProblem;
  readonly direction: 'forward' | 'both';
  readonly implementation: AttentionImplementation;
  readonly config?: AttentionConfig;
}

/**
 * Gradients of the two slots that a block writes, gathered at once from what `readers` later blocks left (`planDepthGather`): reader n
 * of them reads 2 (readers - n) slots.
 */
export interface DepthGatherJob extends JobBase {
  readonly kind: 'depth-gather';
  readonly problem: AttentionProblem;
  readonly readers: number;
  /** There is one kernel. */
  readonly config?: undefined;
}

/** What one row measures, as plain JSON. */
export type BenchJob = MatmulJob | AttentionJob | DepthGatherJob;
