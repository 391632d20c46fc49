import type { Collective } from './collective.ts';
import { entriesOf, type ParameterBucket } from './parameter-buckets.ts';
import { copyToDevice, copyToHost } from './tensor-staging.ts';

/** After a sharded update: every rank gives the parameters that it updated and takes the others. */
export async function gatherWeights(collective: Collective, buckets: readonly ParameterBucket[]): Promise<void> {
  const copies = buckets.flatMap((bucket) =>
    entriesOf(bucket, collective.rank).map(({ parameter, start }) => copyToHost(parameter, bucket.buffer, start)),
  );
  await Promise.all(copies);
  await Promise.all(buckets.map(({ buffer, counts }) => collective.allGather(buffer, counts)));
  for (const bucket of buckets) {
    const own = new Set(entriesOf(bucket, collective.rank));
    for (const entry of bucket.entries) if (!own.has(entry)) copyToDevice(bucket.buffer, entry.start, entry.parameter);
  }
}
