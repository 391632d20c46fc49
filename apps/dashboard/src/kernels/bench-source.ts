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

/** The machine in few words: the card, and which of the two paths its kernels took. */
function machineOf(result: BenchResult): string {
  const { adapter, device } = result.environment;
  if (device === 'cpu') return adapter;
  const card =
    /\b[a-z]+\d{2,}\w*/i.exec(adapter.split(',')[0].replace(/^nvidia[ -]/i, ''))?.[0] ?? adapter.split(',')[0];
  return `${/\d/.test(card) ? card.toUpperCase() : card}, ${PATH_NAMES[pathOf(result)]}`;
}

/** How kernels reached a GPU: on tensor cores in Node, in Node without them, or with the bounds checks that browsers add. */
export type BenchPath = 'tensor-cores' | 'plain' | 'browser';

const PATH_NAMES: Readonly<Record<BenchPath, string>> = {
  'tensor-cores': 'tensor cores',
  plain: 'no tensor cores',
  browser: 'as in a browser',
};

/** The path of a result: browsers check every access; kernels on subgroup matrices have `matrix` in their names. */
export function pathOf({ environment, rows }: BenchResult): BenchPath {
  if (environment.robustness === 'on') return 'browser';
  return rows.some(({ implementation }) => /matrix/.test(implementation ?? '')) ? 'tensor-cores' : 'plain';
}

/** Sources for one benchmark in the order of interest: own, then GPUs, then by how many of its rows they measured. */
export function inOrderOfInterest(sources: readonly BenchSource[], preset: string): BenchSource[] {
  const count = ({ rows }: BenchSource): number =>
    rows.filter((row) => row.preset === preset && row.total !== null).length;
  const rank = (source: BenchSource): number =>
    (source.isOwn ? 1e6 : 0) + (source.result.environment.device === 'webgpu' ? 1e3 : 0) + count(source);
  return sources.filter((source) => source.isOwn || count(source) > 0).sort((a, b) => rank(b) - rank(a));
}

/** Stored results that are shown before anyone chooses: the most complete ones, and both paths where there are both. */
export function shownAtFirst(ordered: readonly BenchSource[], most: number): readonly BenchSource[] {
  const stored = ordered.filter(({ isOwn }) => !isOwn);
  const first = stored.slice(0, most);
  const paths = new Set(first.map(({ result }) => pathOf(result)));
  const other = stored.find(({ result }) => result.environment.device === 'webgpu' && !paths.has(pathOf(result)));
  return other === undefined ? first : [...first, other];
}
