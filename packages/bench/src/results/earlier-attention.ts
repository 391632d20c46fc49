import { costOf } from '../cost.ts';
import { withExtraTime } from '../extra-time.ts';
import type { AttentionJob } from '../job.ts';
import { median, summarize } from '../measure/statistics.ts';
import { describeProblem, paperProblem } from '../presets/paper-problem.ts';
import { TABLE_2 } from '../presets/paper-tables.ts';
import { modaReferences } from '../presets/references.ts';
import { BENCH_SCHEMA, type BenchResult, type BenchRow } from '../result.ts';
import { earlierEnvironment } from './earlier-environment.ts';

/** `attention-h100.json` and `moda-h100.json` as `attention.bench.ts` wrote them. */
interface AttentionFile {
  readonly date: string;
  readonly adapter: string;
  readonly driver: string;
  readonly note: string;
  readonly commit?: string;
  readonly rows?: readonly AttentionRow[];
  readonly earlierRun?: readonly AttentionRow[];
  readonly tiles?: readonly AttentionRow[];
  readonly boundsChecksOn?: readonly AttentionRow[];
}

interface AttentionRow {
  readonly name: string;
  readonly T: number;
  readonly H: number;
  readonly Hkv: number;
  readonly S: number;
  readonly sequence: boolean;
  readonly forwardMs: readonly number[];
  readonly backwardMs: readonly number[];
  readonly passMs: Readonly<Record<string, number>>;
  readonly errorsAgainstF64: Readonly<Record<string, number>>;
}

export function isAttentionFile(value: object): value is AttentionFile {
  return 'storage' in value && ('rows' in value || 'tiles' in value);
}

export function attentionResults(file: AttentionFile): BenchResult[] {
  const part = (rows: readonly AttentionRow[] | undefined, robustness: 'on' | 'off', note: string): BenchResult[] => {
    if (!rows) return [];
    const { date, adapter, driver, commit } = file;
    const known = rows.map(rowOf);
    return [
      {
        schema: BENCH_SCHEMA,
        date,
        note,
        ...(commit ? { commit } : {}),
        environment: earlierEnvironment(adapter, robustness, driver),
        ceilings: { copyBytesPerSecond: null, flopsPerSecond: {} },
        rows: known.map((row) => withExtraTime(row, known)),
      },
    ];
  };
  return [
    ...part(file.rows ?? file.tiles, 'off', file.note),
    ...part(file.earlierRun, 'off', `An earlier run. ${file.note}`),
    ...part(file.boundsChecksOn, 'on', file.note),
  ];
}

function rowOf(row: AttentionRow): BenchRow {
  const { T, H, Hkv, S, name, sequence, forwardMs, backwardMs, passMs, errorsAgainstF64 } = row;
  const problem = { ...paperProblem(T, H, Hkv, S), hasSequence: sequence };
  const published = TABLE_2.find((entry) => entry.T === T && entry.H === H && entry.L === S);
  const job: AttentionJob = {
    kind: 'attention',
    preset: S > 0 ? 'moda' : 'attention',
    id: name,
    name: describeProblem(problem),
    problem,
    direction: backwardMs.length > 0 ? 'both' : 'forward',
    implementation: 'shipped',
    runs: forwardMs.length,
    ...(published ? { references: modaReferences(published) } : {}),
  };
  const cost = costOf(job);
  const total = summarize(totals(row));
  return {
    id: name,
    preset: job.preset,
    name: job.name,
    status: 'measured',
    job,
    library: 'modajs',
    dtype: 'f16',
    ...cost,
    implementation: Object.keys(passMs).join(', '),
    passes: passMs,
    total,
    forward: summarize(forwardMs),
    ...(backwardMs.length > 0 ? { backward: summarize(backwardMs) } : {}),
    timedBy: 'timestamps',
    tflops: cost.flops / total.medianMs / 1e9,
    floors: { arithmeticMs: null, bandwidthMs: null, arithmeticShare: null, bandwidthShare: null },
    ...(S > 0 && sequence ? { baseline: `table2 T=${T} H=${H} Hkv=${Hkv} L=0` } : {}),
    errors: errorsAgainstF64,
    tolerance: 4e-3,
    ...(job.references ? { references: job.references } : {}),
  };
}

/** The parts' medians, least and most added: their runs were not paired. */
function totals({ forwardMs, backwardMs }: AttentionRow): number[] {
  if (backwardMs.length === 0) return [...forwardMs];
  return [
    Math.min(...forwardMs) + Math.min(...backwardMs),
    median(forwardMs) + median(backwardMs),
    Math.max(...forwardMs) + Math.max(...backwardMs),
  ];
}
