import type { RawRow } from './metrics-row.ts';
import type { FieldSeries, RunSeries } from './run-series.ts';

interface Column {
  readonly sum: Float64Array;
  readonly count: Float64Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** Columns of the axes, not of a chart. */
const NO_FIELDS = new Set(['step']);
/** A damaged or foreign file must not make columns without end. */
const MAX_FIELDS = 512;

/**
 * Collects rows, any number of them, into at most `2 points` buckets: when all are full, neighbours merge and each holds
 * twice as many rows. Of every bucket and field the mean, the smallest and the largest value stay.
 */
export class SeriesBuilder {
  rows = 0;
  badLines = 0;
  private readonly capacity: number;
  private rowsPerBucket = 1;
  private bucket = -1;
  private inBucket = 0;
  private lastStep: number;
  private elapsed = 0;
  private readonly axes: { readonly step: Float64Array; readonly elapsed: Float64Array; readonly count: Float64Array };
  private readonly columns = new Map<string, Column>();

  /** @param lastStep the step before the first row; null when it is unknown, then time begins with the first row */
  constructor(points: number, lastStep: number | null = 0) {
    this.capacity = 2 * Math.max(1, points);
    this.lastStep = lastStep ?? Number.NaN;
    const zeros = (): Float64Array => new Float64Array(this.capacity);
    this.axes = { step: zeros(), elapsed: zeros(), count: zeros() };
  }

  add(row: RawRow): void {
    const { step } = row;
    if (this.rows > 0 && step <= this.lastStep) {
      this.badLines++;
      return;
    }
    // A row tells its own step's time; rows between may not have been logged, or not sampled.
    if (typeof row.timeMs === 'number') this.elapsed += row.timeMs * (step - this.lastStep || 0);
    this.lastStep = step;
    this.rows++;
    if (this.bucket < 0 || this.inBucket === this.rowsPerBucket) this.openBucket();
    this.inBucket++;
    const { bucket, axes } = this;
    axes.step[bucket] += step;
    axes.elapsed[bucket] += this.elapsed;
    axes.count[bucket]++;
    for (const name in row) {
      const value = row[name];
      if (typeof value === 'number' && !NO_FIELDS.has(name)) this.addValue(name, value);
    }
  }

  private addValue(name: string, value: number): void {
    const column = this.columns.get(name) ?? this.newColumn(name);
    if (column === null) return;
    const { bucket } = this;
    column.sum[bucket] += value;
    if (column.count[bucket]++ === 0 || value < column.low[bucket]) column.low[bucket] = value;
    if (column.count[bucket] === 1 || value > column.high[bucket]) column.high[bucket] = value;
  }

  private newColumn(name: string): Column | null {
    if (this.columns.size >= MAX_FIELDS) return null;
    const zeros = (): Float64Array => new Float64Array(this.capacity);
    const column = { sum: zeros(), count: zeros(), low: zeros(), high: zeros() };
    this.columns.set(name, column);
    return column;
  }

  private openBucket(): void {
    if (this.bucket + 1 === this.capacity) this.merge();
    this.bucket++;
    this.inBucket = 0;
  }

  /** Halves the buckets: 2i and 2i + 1 become i. */
  private merge(): void {
    const half = this.capacity / 2;
    const add = (values: Float64Array): void => {
      for (let i = 0; i < half; i++) values[i] = values[2 * i] + values[2 * i + 1];
      values.fill(0, half);
    };
    for (const { sum, count, low, high } of this.columns.values()) {
      for (let i = 0; i < half; i++) {
        const [a, b] = [2 * i, 2 * i + 1];
        low[i] = count[a] === 0 ? low[b] : count[b] === 0 ? low[a] : Math.min(low[a], low[b]);
        high[i] = count[a] === 0 ? high[b] : count[b] === 0 ? high[a] : Math.max(high[a], high[b]);
      }
      low.fill(0, half);
      high.fill(0, half);
      add(sum);
      add(count);
    }
    add(this.axes.step);
    add(this.axes.elapsed);
    add(this.axes.count);
    this.bucket = half - 1;
    this.rowsPerBucket *= 2;
  }

  /** What was collected so far. */
  build(facts: Pick<RunSeries, 'detail' | 'end'> & { readonly rows?: number }): RunSeries {
    const buckets = this.bucket + 1;
    const { step, elapsed, count } = this.axes;
    const axis = (values: Float64Array): number[] =>
      Array.from(values.subarray(0, buckets), (sum, i) => rounded(sum / count[i]));
    return {
      rows: this.rows,
      ...facts,
      badLines: this.badLines,
      lastStep: this.rows === 0 ? null : this.lastStep,
      step: axis(step),
      elapsedMs: axis(elapsed),
      fields: Object.fromEntries([...this.columns].map(([name, column]) => [name, this.field(column, buckets)])),
    };
  }

  private field({ sum, count, low, high }: Column, buckets: number): FieldSeries {
    const values = (of: (i: number) => number): (number | null)[] =>
      Array.from({ length: buckets }, (_, i) => (count[i] === 0 ? null : rounded(of(i))));
    const mean = values((i) => sum[i] / count[i]);
    if (this.rowsPerBucket === 1) return { mean };
    return { mean, low: values((i) => low[i]), high: values((i) => high[i]) };
  }
}

/** Seven digits: more than a screen shows, half of what JSON would write. */
function rounded(value: number): number {
  return Number.isSafeInteger(value) ? value : Number(value.toPrecision(7));
}
