import type { BenchPresetName } from '../job.ts';
import { BENCH_SCHEMA, type BenchResult, type BenchRow } from '../result.ts';

/** `cpu.json` as `tooling/bench-cpu` writes it: workloads, each by several libraries in turns. */
interface CpuFile {
  readonly date: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string };
  readonly rounds: number;
  readonly workloads: readonly { readonly workload: string; readonly results: readonly CpuRow[] }[];
}

interface CpuRow {
  readonly label: string;
  readonly bestMs: number;
  readonly medianMs: number;
  readonly bestCpuMs: number;
  readonly gflopsPerSecond?: number;
  readonly peakBytes: number;
}

export function isCpuFile(value: object): value is CpuFile {
  return 'workloads' in value && 'machine' in value;
}

export function cpuResults({ date, machine, rounds, workloads }: CpuFile): BenchResult[] {
  return [
    {
      schema: BENCH_SCHEMA,
      date,
      note: 'Workloads of tooling/bench-cpu, libraries in turns.',
      environment: {
        device: 'cpu',
        adapter: `${machine.cpu}, ${machine.cores} cores`,
        driver: '',
        vendor: '',
        architecture: '',
        isSoftware: false,
        robustness: null,
        runtime: `Node ${machine.node}`,
      },
      ceilings: { copyBytesPerSecond: null, flopsPerSecond: {} },
      rows: workloads.flatMap(({ workload, results }) => results.map((row) => rowOf(workload, row, rounds))),
    },
  ];
}

function rowOf(workload: string, row: CpuRow, rounds: number): BenchRow {
  const { label, bestMs, medianMs, bestCpuMs, gflopsPerSecond, peakBytes } = row;
  const flops = (gflopsPerSecond ?? 0) * bestMs * 1e6;
  return {
    id: `cpu/${workload}/${label}`,
    preset: presetOf(workload),
    name: workload,
    status: 'measured',
    library: label,
    implementation: label,
    dtype: 'f32',
    timedBy: 'wall',
    flops,
    bytes: 0,
    // The file keeps the best and the median.
    total: { medianMs, minMs: bestMs, maxMs: medianMs, runs: rounds },
    tflops: gflopsPerSecond === undefined ? null : flops / medianMs / 1e9,
    floors: { arithmeticMs: null, bandwidthMs: null, arithmeticShare: null, bandwidthShare: null },
    errors: {},
    tolerance: 0,
    extra: { bestCpuMs, peakBytes },
  };
}

function presetOf(workload: string): BenchPresetName {
  if (workload.startsWith('matmul')) return 'matmul';
  return workload.startsWith('attention') ? 'attention' : 'step';
}
