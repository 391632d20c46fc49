import { type BenchRow, TABLE_2 } from '@modajs/bench';
import type { Curve } from '../charts/curve.ts';
import type { BenchSource } from './bench-source.ts';
import { extentOf, extraTimeOf } from './problem.ts';

type Letter = 'T' | 'G' | 'L';
type ColourOf = (i: number) => string;

/** A row of MoDA with its sizes. */
interface Sized {
  readonly T: number;
  readonly G: number;
  readonly L: number;
  readonly ms: number;
  readonly extraTime: number | null;
}

function sizedOf(rows: readonly BenchRow[]): Sized[] {
  return rows.flatMap((row) => {
    const [T, G, L] = (['T', 'G', 'L'] as const).map((letter) => extentOf(row, letter));
    if (T === null || G === null || L === null || row.total === null) return [];
    return [{ T, G, L, ms: row.total.medianMs, extraTime: extraTimeOf(row) }];
  });
}

const paperRows = (): Sized[] => TABLE_2.map(({ T, G, L, modaMs, extraTime }) => ({ T, G, L, ms: modaMs, extraTime }));

/** Of rows with depth those that differ in one letter alone: the largest such group, ascending in it. */
export function alongLetter(rows: readonly Sized[], letter: Letter): Sized[] {
  const groups = new Map<string, Map<number, Sized>>();
  for (const row of rows.filter(({ L }) => L > 0)) {
    const key = (['T', 'G', 'L'] as const)
      .filter((other) => other !== letter)
      .map((other) => row[other])
      .join();
    const group = groups.get(key) ?? new Map<number, Sized>();
    groups.set(key, group.set(row[letter], row));
  }
  const largest = [...groups.values()].sort((a, b) => b.size - a.size)[0];
  return [...(largest?.values() ?? [])].sort((a, b) => a[letter] - b[letter]);
}

/** Time beyond attention without depth, percent, along a letter: every source, and Table 2 of the paper. */
export function extraTimeCurves(letter: Letter, sources: readonly BenchSource[], colourOf: ColourOf): Curve[] {
  const curve = (label: string, rows: readonly Sized[], colour: string): Curve[] => {
    const known = alongLetter(rows, letter).filter(({ extraTime }) => extraTime !== null);
    if (known.length === 0) return [];
    return [{ label, colour, x: known.map((row) => row[letter]), y: known.map((row) => 100 * row.extraTime!) }];
  };
  return [
    ...sources.flatMap(({ label, rows, colour }) => curve(label, sizedOf(modaRows(rows)), colourOf(colour))),
    ...curve('the paper, A100', paperRows(), PAPER_COLOUR).map((paper) => ({ ...paper, style: 'dashed' as const })),
  ];
}

/** Time against T of MoDA, and of attention without depth beside it (dashed). */
export function timeCurves(sources: readonly BenchSource[], colourOf: ColourOf): Curve[] {
  const curve = (label: string, rows: readonly Sized[], colour: string, style: 'line' | 'dashed'): Curve[] =>
    rows.length === 0 ? [] : [{ label, colour, x: rows.map(({ T }) => T), y: rows.map(({ ms }) => ms), style }];
  const ofRows = (label: string, rows: readonly Sized[], colour: string): Curve[] => {
    const moda = alongLetter(rows, 'T');
    const same = rows.filter(({ L, G }) => L === 0 && (moda.length === 0 || G === moda[0].G));
    const plain = [...new Map(same.map((row) => [row.T, row])).values()].sort((a, b) => a.T - b.T);
    return [...curve(`MoDA: ${label}`, moda, colour, 'line'), ...curve(`attention: ${label}`, plain, colour, 'dashed')];
  };
  const paper = paperRows();
  const plainPaper = TABLE_2.map(({ T, G, fa2Ms }) => ({ T, G, L: 0, ms: fa2Ms, extraTime: null }));
  return [
    ...sources.flatMap(({ label, rows, colour }) => ofRows(label, sizedOf(rows.filter(isShipped)), colourOf(colour))),
    ...ofRows('the paper, A100', [...paper, ...plainPaper], PAPER_COLOUR),
  ];
}

/** Grey in both themes: a figure to compare with, not a measurement of ours. */
const PAPER_COLOUR = 'var(--muted)';

function isShipped({ job }: BenchRow): boolean {
  return job?.kind !== 'attention' || (job.implementation === 'shipped' && job.config === undefined);
}

function modaRows(rows: readonly BenchRow[]): BenchRow[] {
  return rows.filter((row) => row.preset === 'moda' && isShipped(row));
}

/** The roofline: each source's measured limits as a roof, its rows as dots; intensity in FLOP a byte, speed in TFLOP/s. */
export function rooflineCurves(sources: readonly BenchSource[], preset: string, colourOf: ColourOf): Curve[] {
  return sources.flatMap((source) => {
    const colour = colourOf(source.colour);
    const rows = source.rows.filter(
      (row) => row.preset === preset && row.bytes > 0 && row.flops > 0 && row.tflops !== null,
    );
    if (rows.length === 0) return [];
    const points = rows.map((row) => ({ x: row.flops / row.bytes, y: row.tflops! })).sort((a, b) => a.x - b.x);
    // Rows of one intensity lie above each other; a chart's x must ascend.
    points.forEach((point, i) => {
      if (i > 0 && point.x <= points[i - 1].x) point.x = points[i - 1].x * (1 + 1e-9);
    });
    const dots: Curve = {
      label: source.label,
      colour,
      x: points.map(({ x }) => x),
      y: points.map(({ y }) => y),
      style: 'dots',
    };
    return [...roofs(source, colour, points[0].x, points.at(-1)!.x), dots];
  });
}

function roofs({ label, result }: BenchSource, colour: string, from: number, to: number): Curve[] {
  const { copyBytesPerSecond, flopsPerSecond } = result.ceilings;
  if (copyBytesPerSecond === null) return [];
  return Object.entries(flopsPerSecond).flatMap(([dtype, { value }]) => {
    const ridge = value / copyBytesPerSecond;
    // A clock that did not move measures an infinite limit; an axis up to there would never end.
    if (!Number.isFinite(ridge) || ridge <= 0) return [];
    const x = [Math.min(from, ridge) / 2, ridge, Math.max(to, ridge) * 2];
    const y = x.map((intensity) => Math.min(value, intensity * copyBytesPerSecond) / 1e12);
    return [{ label: `${label}: limit, ${dtype}`, colour, x, y, style: 'dashed' as const }];
  });
}
