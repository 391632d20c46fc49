import type { Tensor } from '@modajs/tensor';
import { deferRejection } from '../run/defer-rejection.ts';
import type { Collective } from './collective.ts';
import type { GradientExchange } from './gradients/gradient-exchange.ts';
import { Turns, turnOf, turnsOf } from './gradients/turns.ts';

/** Parameters whose gradients travel together, and how. */
export interface TravellingBucket {
  readonly parameters: readonly Tensor[];
  readonly exchange: GradientExchange;
}

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
  private turns = new Turns([]);
  private hasLearnt = false;

  constructor(
    private readonly collective: Collective,
    private readonly buckets: readonly TravellingBucket[],
  ) {
    for (const [i, { parameters }] of buckets.entries())
      for (const parameter of parameters) this.bucketOf.set(parameter, i);
  }

  /** Before the first backward pass of a step. */
  begin(): void {
    const { buckets } = this;
    this.received.clear();
    this.started = [];
    this.turns = new Turns(turnsOf(buckets.length, buckets[0].exchange.phases.length));
    this.isStarted = buckets.map(() => false);
    this.missing = buckets.map(({ parameters }) => parameters.filter((parameter) => this.expects(parameter)).length);
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
    const place = this.started.length;
    if (place === 0) this.startedAt = performance.now();
    this.isStarted[index] = true;
    this.started.push(deferRejection(this.travel(this.buckets[index].exchange, place)));
  }

  /** The sums go to the device while later buckets travel. */
  private async travel(exchange: GradientExchange, place: number): Promise<void> {
    const read = exchange.read();
    if (read !== null) await read;
    for (const [phase, start] of exchange.phases.entries()) await this.turns.take(turnOf(place, phase), start);
    exchange.write();
  }
}
