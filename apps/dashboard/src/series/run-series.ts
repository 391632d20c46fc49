/** One number of a run over its steps, a value a bucket; null where the bucket's rows do not carry it. */
export interface FieldSeries {
  readonly mean: readonly (number | null)[];
  /** Smallest and largest values of each bucket; absent when every bucket is one row. */
  readonly low?: readonly (number | null)[];
  readonly high?: readonly (number | null)[];
}

/** Curves of one run, thinned to buckets of neighbouring rows. */
export interface RunSeries {
  /** `exact`: every row of the range is in its bucket. `sampled`: the rows are a sample, spikes may be missing. */
  readonly detail: 'exact' | 'sampled';
  /** Rows of the range; an estimate when sampled. */
  readonly rows: number;
  /** Lines left out: damaged, or their step does not come after the one before. Unknown, 0, when sampled. */
  readonly badLines: number;
  /** Bytes of the file read: what comes later begins here. */
  readonly end: number;
  /** The step of the last row; null when there is none. */
  readonly lastStep: number | null;
  /** Mean step of each bucket, ascending. */
  readonly step: readonly number[];
  /** Time spent in steps since the range began, milliseconds, at each bucket. */
  readonly elapsedMs: readonly number[];
  readonly fields: Readonly<Record<string, FieldSeries>>;
}

/** A field's curve; undefined when the run has none. Any name may come: each object has a `toString` of its own. */
export function fieldOf({ fields }: RunSeries, name: string): FieldSeries | undefined {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

/** What part of a run, and how finely. */
export interface SeriesRequest {
  /** Buckets wanted; up to twice as many come. */
  readonly points: number;
  readonly detail: 'exact' | 'sampled';
  /** First and last step; all when absent. A range is always exact. */
  readonly from?: number;
  readonly to?: number;
}
