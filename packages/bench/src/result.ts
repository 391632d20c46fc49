import type { BenchJob, BenchPresetName, BenchReference } from './job.ts';

/** Name and version of the JSON that `moda bench --json` writes and the dashboard reads. */
export const BENCH_SCHEMA = 'modajs-bench/1';

/** Milliseconds of repeated runs. */
export interface BenchTimes {
  readonly medianMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly runs: number;
}

/** Where a row stands against what the machine can do; null where it was not measured. */
export interface BenchFloors {
  /** Time of the row's operations at the machine's best measured product. */
  readonly arithmeticMs: number | null;
  /** Time of the row's bytes at the speed of a copy. */
  readonly bandwidthMs: number | null;
  /** `arithmeticMs / medianMs`, 0 to about 1. */
  readonly arithmeticShare: number | null;
  readonly bandwidthShare: number | null;
}

/** One line of a benchmark. Times are null unless `status` is `measured`. */
export interface BenchRow {
  readonly id: string;
  readonly preset: BenchPresetName;
  readonly name: string;
  readonly status: 'measured' | 'skipped' | 'failed';
  /** Why it was skipped or failed, with the number and the limit. */
  readonly reason?: string;
  /** What was measured; absent in rows of other programs. */
  readonly job?: BenchJob;
  /** Who computed it: `modajs`, or a peer. */
  readonly library: string;
  /** The kernels that ran: a configuration, or labels of passes. */
  readonly implementation: string;
  /** Whether a measured configuration of the device's tuning ran; absent on devices that have none, and in earlier files. */
  readonly isTuned?: boolean;
  readonly dtype: string;
  readonly total: BenchTimes | null;
  readonly forward?: BenchTimes;
  readonly backward?: BenchTimes;
  /** Median milliseconds by pass. */
  readonly passes?: Readonly<Record<string, number>>;
  /** `timestamps` of the device, or `wall` time between submissions. */
  readonly timedBy: 'timestamps' | 'wall';
  readonly flops: number;
  readonly bytes: number;
  readonly tflops: number | null;
  readonly floors: BenchFloors;
  readonly baseline?: string;
  /** `(this - baseline) / this`. */
  readonly extraTime?: number;
  /** Largest error of sampled rows against f64, relative to the largest true value, by operand. */
  readonly errors: Readonly<Record<string, number>>;
  /** What an error may be at most. */
  readonly tolerance: number;
  readonly references?: readonly BenchReference[];
  /** What only some rows have: tokens per second, peak bytes. */
  readonly extra?: Readonly<Record<string, number>>;
}

/** The machine and how it was asked. */
export interface BenchEnvironment {
  readonly device: 'webgpu' | 'cpu' | 'other';
  /** `NVIDIA H100 80GB HBM3`. */
  readonly adapter: string;
  /** Driver and its version where the adapter tells. */
  readonly driver: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly isSoftware: boolean;
  /** Dawn's bounds checks: on in every browser. Null where the question makes no sense. */
  readonly robustness: 'on' | 'off' | null;
  /** `browser`: measured in Node without tensor cores, as browsers without flags compute. */
  readonly as?: 'browser';
  /** Node's or the browser's version, as the caller knows it. */
  readonly runtime?: string;
}

/** The machine's own measured limits, in the same run. */
export interface BenchCeilings {
  /** Bytes read plus bytes written by a vec4 copy, per second. */
  readonly copyBytesPerSecond: number | null;
  /** The best known product by dtype, FLOP/s, and where the figure comes from. */
  readonly flopsPerSecond: Readonly<
    Partial<Record<'f32' | 'f16', { readonly value: number; readonly source: string }>>
  >;
}

/** A benchmark file. */
export interface BenchResult {
  readonly schema: typeof BENCH_SCHEMA;
  /** ISO 8601. */
  readonly date: string;
  readonly commit?: string;
  readonly note?: string;
  readonly environment: BenchEnvironment;
  readonly ceilings: BenchCeilings;
  readonly rows: readonly BenchRow[];
}
