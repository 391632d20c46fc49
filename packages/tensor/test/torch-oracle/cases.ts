import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** A view of memory: transposed, sliced or expanded. */
export type ViewStep =
  | readonly ['T', readonly number[]]
  | readonly ['S', readonly number[], readonly number[]]
  | readonly ['B', readonly number[]];

/** Shape of the memory, profile and seed of its values, dtype, views of it, whether its gradient is wanted, and overwritten runs. */
export type CaseInput = readonly [
  shape: readonly number[],
  profile: string,
  seed: number,
  dtype: 'f32' | 'i32' | 'u32',
  views: readonly ViewStep[],
  wantsGradient: boolean,
  patches: readonly (readonly [start: number, end: number, value: 'nan' | 'inf'])[],
];

/** One output or gradient: its digest in f64, and the absolute tolerance of f32 devices (null: anything). */
export type Expectation = readonly [numbers: number, classes: number, tolerance: number | null];

// biome-ignore lint/suspicious/noExplicitAny: parameters are as various as operators; each reads its own
export type Parameters = Readonly<Record<string, any>>;

export interface OracleCase {
  /** Operator. */
  readonly o: string;
  readonly p: Parameters;
  readonly i: readonly CaseInput[];
  readonly e: readonly Expectation[];
}

/** All cases, by operator. */
export function readCases(): Map<string, OracleCase[]> {
  const file = readFileSync(new URL('./cases.jsonl.gz', import.meta.url));
  const [, ...lines] = gunzipSync(file).toString().trimEnd().split('\n');
  const byOperator = new Map<string, OracleCase[]>();
  for (const line of lines) {
    const oracle: OracleCase = JSON.parse(line);
    byOperator.set(oracle.o, [...(byOperator.get(oracle.o) ?? []), oracle]);
  }
  return byOperator;
}
