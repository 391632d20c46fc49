import type { Tensor } from '@modajs/tensor';
import { deferRejection } from '../run/defer-rejection.ts';
import type { Collective } from './collective.ts';
import { type BucketEntry, entriesOf, type ParameterBucket } from './parameter-buckets.ts';
import { copyToDevice, copyToHost, type StagedTensor } from './tensor-staging.ts';

/**
 * Sums gradients over ranks in buckets while the backward pass still computes: a bucket starts to travel when the last of
 * its gradients is there. How many contributions make a gradient complete (uses of a parameter, accumulation parts) is learnt
 * from the first step, in which everything travels at the end.
 */
export class GradientSync {
  /** Buckets that began to travel before the backward pass of the last step ended. */
  startedEarly = 0;
  /** When the first bucket of the last step began to travel; in `performance.now()`. */
  startedAt = 0;
  private readonly bucketOf = new Map<Tensor, number>();
  private readonly expected = new Map<Tensor, number>();
  private readonly received = new Map<Tensor, number>();
  private missing: number[] = [];
  private started: Promise<void>[] = [];
  private isStarted: boolean[] = [];
  private order: Promise<void> | null = null;
  private hasLearnt = false;

  /**
   * @param sharded each rank receives the sums of its own segment only
   */
  constructor(
    private readonly collective: Collective,
    private readonly buckets: readonly ParameterBucket[],
    private readonly sharded: boolean,
  ) {
    for (const [i, { entries }] of buckets.entries())
      for (const { parameter } of entries) this.bucketOf.set(parameter, i);
  }

  /** Before the first backward pass of a step. */
  begin(): void {
    this.received.clear();
    this.started = [];
    this.order = null;
    this.isStarted = this.buckets.map(() => false);
    this.missing = this.buckets.map(({ entries }) => entries.filter(({ parameter }) => this.expects(parameter)).length);
  }

  /** For `backward`: counts contributions, sends full buckets off and lets those under way advance. */
  readonly onGradient = (parameter: Tensor): void => {
    const bucket = this.bucketOf.get(parameter);
    if (bucket === undefined) return;
    const count = (this.received.get(parameter) ?? 0) + 1;
    this.received.set(parameter, count);
    if (this.hasLearnt && count === this.expected.get(parameter)) {
      this.missing[bucket]--;
      if (this.missing[bucket] === 0) this.start(bucket);
    }
    this.collective.progress();
  };

  /** Resolves when the parameters' `grad` hold the sums; with sharding only those of this rank's own parameters. */
  async finish(): Promise<void> {
    this.startedEarly = this.started.length;
    if (!this.hasLearnt) {
      for (const [parameter, count] of this.received) this.expected.set(parameter, count);
      this.hasLearnt = true;
    }
    for (const i of this.buckets.keys()) if (!this.isStarted[i]) this.start(i);
    await Promise.all(this.started);
  }

  private expects(parameter: Tensor): boolean {
    return (this.expected.get(parameter) ?? 0) > 0;
  }

  private start(index: number): void {
    if (!this.isStarted.includes(true)) this.startedAt = performance.now();
    this.isStarted[index] = true;
    const { entries, buffer } = this.buckets[index];
    for (const { parameter, start } of entries) {
      if (parameter.grad === null) buffer.fill(0, start, start + parameter.size);
    }
    const copy = copyToHost(gradientsOf(entries), buffer);
    const travel = (): Promise<void> => this.travel(this.buckets[index]);
    if (copy === null && this.order === null) {
      this.started.push(deferRejection(travel()));
      return;
    }
    // Readbacks may end in any order; operations must start in the same order on every rank.
    const before = this.order ?? Promise.resolve();
    let travelled: Promise<void> = Promise.resolve();
    this.order = Promise.all([before, copy]).then(() => {
      travelled = travel();
    });
    this.started.push(deferRejection(this.order.then(() => travelled)));
  }

  /** The sums go to the device while later buckets travel. */
  private async travel(bucket: ParameterBucket): Promise<void> {
    const { entries, buffer, counts } = bucket;
    const { rank } = this.collective;
    await (this.sharded ? this.collective.reduceScatter(buffer, counts) : this.collective.allReduce(buffer));
    copyToDevice(gradientsOf(this.sharded ? entriesOf(bucket, rank) : entries), buffer);
  }
}

/** Gradients of the parameters that have one. */
function gradientsOf(entries: readonly BucketEntry[]): StagedTensor[] {
  return entries.flatMap(({ parameter: { grad }, start }) => (grad === null ? [] : [{ tensor: grad, start }]));
}
