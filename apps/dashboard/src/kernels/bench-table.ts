import { type BenchReference, type BenchRow, costOf } from '@modajs/bench';
import type { PagePreset, PlannedRow } from './bench-messages.ts';
import type { BenchSource } from './bench-source.ts';
import { problemOf, variantOf } from './problem.ts';

/** A line of a table: one problem done one way, by each source that has it. */
export interface TableLine {
  readonly key: string;
  readonly problem: string;
  readonly variant: string;
  /** By source id. */
  readonly cells: ReadonlyMap<string, BenchRow>;
  readonly references: readonly BenchReference[];
  /** A row of the run in progress that is not measured yet. */
  readonly isPending: boolean;
}

/** Lines of a preset: what the sources measured, own rows first and in their order, then what is still to come. */
export function tableLines(
  preset: PagePreset,
  sources: readonly BenchSource[],
  planned: readonly PlannedRow[],
): TableLine[] {
  const lines = new Map<
    string,
    { -readonly [K in keyof TableLine]: TableLine[K] } & { cells: Map<string, BenchRow> }
  >();
  const own = [...sources].sort((a, b) => Number(b.isOwn) - Number(a.isOwn));
  const started = new Set<string>();
  const rows = own.flatMap((source) =>
    source.rows.filter((row) => row.preset === preset).map((row) => ({ source, row })),
  );
  const forward = new Set(rows.filter(({ row }) => isForward(row)).map(({ row }) => problemOf(row)));
  for (const { source, row: measured } of rows) {
    for (const row of [measured, ...forwardPart(measured)]) {
      if (row !== measured && !forward.has(problemOf(row))) continue;
      const [problem, variant] = [problemOf(row), variantOf(row)];
      const key = `${problem} | ${variant}`;
      if (source.isOwn) started.add(row.id);
      const line = lines.get(key) ?? { key, problem, variant, cells: new Map(), references: [], isPending: false };
      lines.set(key, line);
      const before = line.cells.get(source.id);
      if (before === undefined || isFaster(row, before)) line.cells.set(source.id, row);
      if (line.references.length === 0 && !isDepthOnly(row))
        line.references = row.references ?? row.job?.references ?? [];
    }
  }
  const pending = planned
    .filter(({ id }) => !started.has(id))
    .map(({ id, name }) => ({
      key: `pending ${id}`,
      problem: name,
      variant: '',
      cells: new Map<string, BenchRow>(),
      references: [],
      isPending: true,
    }));
  const isOwnLine = ({ cells }: TableLine): boolean => own.some(({ id, isOwn }) => isOwn && cells.has(id));
  const known = [...lines.values()];
  return [...known.filter(isOwnLine), ...pending, ...known.filter((line) => !isOwnLine(line))];
}

function isForward({ job }: BenchRow): boolean {
  return job?.kind === 'attention' && job.direction === 'forward';
}

/** The forward part of a row as a row: what stands beside libraries that were measured forward alone. */
function forwardPart(row: BenchRow): BenchRow[] {
  const { job, forward, extraTime, backward, ...rest } = row;
  if (job?.kind !== 'attention' || job.direction !== 'both' || !forward) return [];
  const part = { ...job, direction: 'forward' as const };
  const { flops, bytes } = costOf(part);
  const floors = { arithmeticMs: null, bandwidthMs: null, arithmeticShare: null, bandwidthShare: null };
  const tflops = flops / forward.medianMs / 1e9;
  const references = (row.references ?? job.references ?? []).filter((reference) => reference.part === 'forward');
  return [{ ...rest, job: part, total: forward, forward, flops, bytes, tflops, floors, references }];
}

/** The published figures of the same sizes are of the whole, not of its depth part. */
function isDepthOnly({ job }: BenchRow): boolean {
  return job?.kind === 'attention' && !job.problem.hasSequence;
}

/** Of several configurations of one problem in a file the fastest stands for the source. */
function isFaster(row: BenchRow, before: BenchRow): boolean {
  return row.total !== null && (before.total === null || row.total.medianMs < before.total.medianMs);
}
