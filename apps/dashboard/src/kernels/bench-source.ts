import type { BenchResult, BenchRow } from '@modajs/bench';

/** Rows of one library on one machine: a column of the tables, a line of the charts. */
export interface BenchSource {
  readonly id: string;
  /** Library and machine: `modajs, NVIDIA H100 80GB HBM3`. */
  readonly label: string;
  /** Where it comes from: a file, or this page. */
  readonly origin: string;
  readonly isOwn: boolean;
  readonly result: BenchResult;
  readonly rows: readonly BenchRow[];
  readonly colour: number;
}

/** Where a result comes from. */
export interface SourceOrigin {
  readonly origin: string;
  readonly isOwn: boolean;
  readonly firstColour: number;
  /** Tells the results of one machine apart. */
  readonly mark?: string;
}

/** The sources in a result: one for each library. */
export function sourcesOf(result: BenchResult, { origin, isOwn, firstColour, mark = '' }: SourceOrigin): BenchSource[] {
  const libraries = [...new Set(result.rows.map(({ library }) => library))];
  return libraries.map((library, i) => ({
    id: `${origin} ${library}`,
    label: isOwn ? `${library}, here` : `${library}, ${machineOf(result)}${mark}`,
    origin,
    isOwn,
    result,
    rows: result.rows.filter((row) => row.library === library),
    colour: firstColour + i,
  }));
}

/** The machine in few words: what its adapter is called before the first comma, and whether bounds were checked. */
function machineOf({ environment }: BenchResult): string {
  const { adapter, robustness, device } = environment;
  const name = device === 'cpu' ? adapter : adapter.split(',')[0];
  const checks = robustness === 'on' ? ' with bounds checks' : '';
  return `${name.replace(/^NVIDIA /, '').replace(/ (80GB )?HBM3$/, '')}${checks}`;
}

/** Sources for one benchmark in the order of interest: own, then GPUs, then by how many of its rows they have. */
export function inOrderOfInterest(sources: readonly BenchSource[], preset: string): BenchSource[] {
  const count = ({ rows }: BenchSource): number => rows.filter((row) => row.preset === preset).length;
  const rank = (source: BenchSource): number =>
    (source.isOwn ? 1e6 : 0) + (source.result.environment.device === 'webgpu' ? 1e3 : 0) + count(source);
  return sources.filter((source) => source.isOwn || count(source) > 0).sort((a, b) => rank(b) - rank(a));
}
