import { elementBytes, type Tensor } from '@modajs/tensor';

/** One parameter's place in a bucket. */
export interface BucketEntry {
  readonly parameter: Tensor;
  /** First element. */
  readonly start: number;
}

/** Parameters whose gradients travel together: one message instead of many small ones. */
export interface ParameterBucket {
  readonly entries: readonly BucketEntry[];
  /** Staging memory, written before and read after each operation; made when it is first asked for. */
  readonly buffer: Float32Array | Float64Array;
  /** Elements of each rank's parameters, which lie together in rank order. */
  readonly counts: readonly number[];
}

/** About this many buckets: the first can travel while the backward pass computes the rest. */
const BUCKETS = 8;
const SMALLEST_BYTES = 16 << 10;
const LARGEST_BYTES = 25 << 20;

/**
 * Cuts parameters into buckets, last parameter first: the order in which a backward pass finishes gradients.
 *
 * @param owners null when every rank keeps every parameter's optimiser state
 * @param size ranks
 */
export function parameterBuckets(
  params: Readonly<Record<string, Tensor>>,
  owners: ReadonlyMap<string, number> | null,
  size: number,
): ParameterBucket[] {
  const named = Object.entries(params).reverse();
  const totalBytes = named.reduce((sum, [, { size: elements }]) => sum + elements * elementBytes('f32'), 0);
  const limit = Math.min(LARGEST_BYTES, Math.max(SMALLEST_BYTES, totalBytes / BUCKETS));
  const buckets: ParameterBucket[] = [];
  let open: [string, Tensor][] = [];
  let bytes = 0;
  for (const entry of named) {
    open.push(entry);
    bytes += entry[1].size * elementBytes('f32');
    if (bytes < limit) continue;
    buckets.push(bucketOf(open, owners, size));
    open = [];
    bytes = 0;
  }
  if (open.length > 0) buckets.push(bucketOf(open, owners, size));
  return buckets;
}

/** The entries in a rank's own segment. */
export function entriesOf({ entries, counts }: ParameterBucket, rank: number): readonly BucketEntry[] {
  const first = counts.slice(0, rank).reduce((sum, count) => sum + count, 0);
  return entries.filter(({ start }) => start >= first && start < first + counts[rank]);
}

function bucketOf(
  named: readonly [string, Tensor][],
  owners: ReadonlyMap<string, number> | null,
  size: number,
): ParameterBucket {
  const ownerOf = (name: string): number => owners?.get(name) ?? 0;
  const sorted = named.toSorted(([a], [b]) => ownerOf(a) - ownerOf(b));
  const counts = new Array<number>(size).fill(0);
  const entries: BucketEntry[] = [];
  let length = 0;
  for (const [name, parameter] of sorted) {
    entries.push({ parameter, start: length });
    counts[ownerOf(name)] += parameter.size;
    length += parameter.size;
  }
  // The reference device computes in f64, and its ranks shall agree to f64.
  const isDouble = sorted[0][1].device.kind === 'reference';
  let buffer: ParameterBucket['buffer'] | null = null;
  return {
    entries,
    counts,
    get buffer() {
      buffer ??= isDouble ? new Float64Array(length) : new Float32Array(length);
      return buffer;
    },
  };
}
