/** A line of a chart: points with what they stand for. */
export interface Curve {
  readonly label: string;
  readonly colour: string;
  /** A solid line when absent. Dots stand for themselves. */
  readonly style?: 'line' | 'dashed' | 'dots';
  /** Ascending. */
  readonly x: readonly number[];
  /** Means; null where there is no value. */
  readonly y: readonly (number | null)[];
  /** Smallest and largest values behind each point; absent when each is one value. */
  readonly low?: readonly (number | null)[];
  readonly high?: readonly (number | null)[];
}
