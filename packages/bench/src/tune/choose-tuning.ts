import type { AttentionConfig, KernelTuning, MatmulConfig } from '@modajs/kernels';
import type { BenchRow } from '../result.ts';
import type { TuneGroup } from './tune-group.ts';

/** What one class of shapes gave. */
export interface TuneOutcome {
  readonly shapeClass: string;
  /** Median ms of the default and of the choice; null when the default could not be measured. */
  readonly defaultMs: number | null;
  readonly bestMs: number | null;
  /** The configuration to use instead of the default, or null: the default is as fast. */
  readonly config: MatmulConfig | AttentionConfig | null;
  /** Candidates that failed, with why: wrong against f64, refused, aborted. */
  readonly rejected: readonly { readonly id: string; readonly reason: string }[];
}

/** A candidate must beat the default by this much: less is noise. */
const LEAST_GAIN = 0.02;

/** The fastest candidate of a group by its rows. Rows of wrong candidates are `failed` before they are timed, and never chosen. */
export function chooseTuning(group: TuneGroup, rows: readonly BenchRow[]): TuneOutcome {
  const measured = rows.filter(({ total }) => total !== null);
  const rejected = rows.filter(({ status }) => status !== 'measured').map(({ id, reason = '' }) => ({ id, reason }));
  const first = measured.find(({ id }) => id === group.jobs[0]?.id);
  const outcome = { shapeClass: group.shapeClass, rejected, defaultMs: first?.total?.medianMs ?? null };
  if (group.kind === 'sequence' && measured.every(hasMatrixPasses) && measured.length > 0) {
    return { ...outcome, ...bestTiles(measured, first) };
  }
  const best = fastest(measured, ({ total }) => total!.medianMs);
  const bestMs = best?.total?.medianMs ?? null;
  if (!best || bestMs === null) return { ...outcome, bestMs, config: null };
  const isWorthIt = outcome.defaultMs === null || bestMs < outcome.defaultMs * (1 - LEAST_GAIN);
  return isWorthIt
    ? { ...outcome, bestMs, config: best.job?.config ?? null }
    : { ...outcome, bestMs: outcome.defaultMs, config: null };
}

const KERNELS = ['forward', 'dq', 'dkv'] as const;

function passTime({ passes = {} }: BenchRow, kernel: (typeof KERNELS)[number]): number {
  const entry = Object.entries(passes).find(([label]) => label.startsWith(`attention-matrix-${kernel} `));
  return entry?.[1] ?? Number.POSITIVE_INFINITY;
}

function hasMatrixPasses(row: BenchRow): boolean {
  return KERNELS.every((kernel) => Number.isFinite(passTime(row, kernel)));
}

/** Each kernel's best tile on its own: passes were timed by themselves. */
function bestTiles(rows: readonly BenchRow[], first: BenchRow | undefined): Pick<TuneOutcome, 'bestMs' | 'config'> {
  const config: Record<string, unknown> = {};
  let saved = 0;
  for (const kernel of KERNELS) {
    const hasTile = rows.filter(({ job }) => (job?.config as AttentionConfig | undefined)?.[kernel] !== undefined);
    const best = fastest(hasTile, (row) => passTime(row, kernel));
    if (!best) continue;
    const before = first ? passTime(first, kernel) : Number.POSITIVE_INFINITY;
    const after = passTime(best, kernel);
    if (after >= before * (1 - LEAST_GAIN)) continue;
    config[kernel] = (best.job?.config as AttentionConfig | undefined)?.[kernel];
    if (Number.isFinite(before)) saved += before - after;
  }
  const bestMs = first?.total ? first.total.medianMs - saved : null;
  return { bestMs, config: Object.keys(config).length > 0 ? config : null };
}

function fastest(rows: readonly BenchRow[], timeOf: (row: BenchRow) => number): BenchRow | undefined {
  return rows.reduce<BenchRow | undefined>(
    (best, row) => (!best || timeOf(row) < timeOf(best) ? row : best),
    undefined,
  );
}

/** The table of all outcomes that beat their defaults, over what an earlier search found for other classes. */
export function tuningOf(outcomes: readonly TuneOutcome[], earlier?: KernelTuning): KernelTuning {
  const matmul: Record<string, MatmulConfig> = { ...earlier?.matmul };
  const attention: Record<string, AttentionConfig> = { ...earlier?.attention };
  for (const { shapeClass, config } of outcomes) {
    delete matmul[shapeClass];
    delete attention[shapeClass];
    if (config === null) continue;
    if ('kind' in config) matmul[shapeClass] = config;
    else attention[shapeClass] = config;
  }
  return { matmul, attention };
}
