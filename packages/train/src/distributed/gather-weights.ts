import type { Collective } from './collective.ts';
import { type BucketEntry, entriesOf, type ParameterBucket } from './parameter-buckets.ts';
import { copyToDevice, copyToHost } from './tensor-staging.ts';

/** After a sharded update: every rank gives the parameters that it updated and takes the others. */
export async function gatherWeights(collective: Collective, buckets: readonly ParameterBucket[]): Promise<void> {
  const staged = (entries: readonly BucketEntry[]) =>
    entries.map(({ parameter, start }) => ({ tensor: parameter, start }));
  await Promise.all(buckets.map((bucket) => copyToHost(staged(entriesOf(bucket, collective.rank)), bucket.buffer)));
  await Promise.all(buckets.map(({ buffer, counts }) => collective.allGather(buffer, counts)));
  for (const bucket of buckets) {
    const own = new Set(entriesOf(bucket, collective.rank));
    copyToDevice(staged(bucket.entries.filter((entry) => !own.has(entry))), bucket.buffer);
  }
}
