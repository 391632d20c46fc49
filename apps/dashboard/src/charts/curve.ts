/** A line of a chart: points with what they stand for. */
export interface Curve {
  readonly label: string;
  readonly colour: string;
  /** Ascending. */
  readonly x: readonly number[];
  /** Means; null where there is no value. */
  readonly y: readonly (number | null)[];
  /** Smallest and largest values behind each point; absent when each is one value. */
  readonly low?: readonly (number | null)[];
  readonly high?: readonly (number | null)[];
}
