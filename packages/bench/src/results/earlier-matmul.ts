import { costOf } from '../cost.ts';
import type { MatmulJob } from '../job.ts';
import { PRODUCTS, productJob } from '../presets/matmul-preset.ts';
import { BENCH_SCHEMA, type BenchResult, type BenchRow } from '../result.ts';
import { earlierEnvironment } from './earlier-environment.ts';

/** `matmul-h100.json` as `matmul.bench.ts` wrote it. */
interface MatmulFile {
  readonly date: string;
  readonly adapter: { readonly vendor: string; readonly description: string };
  readonly commit: string;
  readonly method: string;
  readonly runs: readonly {
    readonly robustness: boolean;
    readonly copyGBs: number;
    readonly rows: readonly MatmulRow[];
  }[];
}

interface MatmulRow {
  readonly preset: string;
  readonly config: string;
  readonly medianMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly tflops: number;
  readonly percentOfCopy: number;
  readonly offBy: number;
}

export function isMatmulFile(value: object): value is MatmulFile {
  return 'runs' in value && 'method' in value;
}

export function matmulResults({ date, adapter, commit, method, runs }: MatmulFile): BenchResult[] {
  return runs.map(({ robustness, copyGBs, rows }) => {
    const best = (dtype: string) =>
      Math.max(...rows.filter(({ preset }) => preset.startsWith(dtype)).map(({ tflops }) => tflops));
    const peaks = { f16: best('f16'), f32: best('f32') };
    return {
      schema: BENCH_SCHEMA,
      date,
      commit,
      note: method,
      environment: earlierEnvironment(adapter.description, robustness ? 'on' : 'off'),
      ceilings: {
        copyBytesPerSecond: copyGBs * 1e9,
        flopsPerSecond: {
          f16: { value: peaks.f16 * 1e12, source: 'best row' },
          f32: { value: peaks.f32 * 1e12, source: 'best row' },
        },
      },
      rows: rows.map((row) => rowOf(row, peaks)),
    };
  });
}

function rowOf(
  { preset, config, medianMs, minMs, maxMs, tflops, percentOfCopy, offBy }: MatmulRow,
  peaks: { f16: number; f32: number },
): BenchRow {
  const product = PRODUCTS.find(({ name }) => name === preset);
  const job: MatmulJob | undefined = product && productJob(product, 'default');
  const dtype = job?.dtype ?? 'f16';
  const arithmeticShare = tflops / peaks[dtype];
  const bandwidthShare = percentOfCopy / 100;
  return {
    id: `matmul/${preset}/${config}`,
    preset: 'matmul',
    name: preset,
    status: 'measured',
    library: 'modajs',
    implementation: config,
    dtype,
    timedBy: 'timestamps',
    tflops,
    errors: { out: offBy },
    tolerance: 2e-3,
    ...(job ? { job, ...costOf(job) } : { flops: tflops * medianMs * 1e9, bytes: 0 }),
    total: { medianMs, minMs, maxMs, runs: 20 },
    floors: {
      arithmeticShare,
      bandwidthShare,
      arithmeticMs: arithmeticShare * medianMs,
      bandwidthMs: bandwidthShare * medianMs,
    },
    ...(job?.references ? { references: job.references } : {}),
  };
}
