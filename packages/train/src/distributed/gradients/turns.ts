interface Waiting {
  readonly start: () => Promise<void>;
  readonly resolve: (ended: Promise<void>) => void;
}

/**
 * Operations of all ranks start in the same order on every rank, whatever each is ready for first: one that is ready early waits
 * until all before it have started.
 */
export class Turns {
  private readonly waiting = new Map<string, Waiting>();
  private next = 0;

  /** @param order names of all operations */
  constructor(private readonly order: readonly string[]) {}

  /** Starts an operation when it is its turn, at once if it is now. @returns when it has ended */
  take(name: string, start: () => Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.set(name, { start, resolve });
      for (;;) {
        const first = this.order[this.next];
        const ready = this.waiting.get(first);
        if (ready === undefined) return;
        this.waiting.delete(first);
        this.next++;
        // A start that throws is an operation that fails.
        ready.resolve((async () => ready.start())());
      }
    });
  }
}

/** Buckets whose first operation starts before the second one of a bucket does. */
const AHEAD = 2;

/** Names of the operations of so many buckets, in the order of their turns: the link has work while the host adds up. */
export function turnsOf(buckets: number, phases: number): string[] {
  const named = Array.from({ length: phases * buckets }, (_, i) => ({
    bucket: Math.floor(i / phases),
    phase: i % phases,
  }));
  const rank = ({ bucket, phase }: { bucket: number; phase: number }): number => bucket + phase * (AHEAD + 0.5);
  return named.sort((a, b) => rank(a) - rank(b)).map(({ bucket, phase }) => turnOf(bucket, phase));
}

/** @param bucket its place among those that have started in this step */
export function turnOf(bucket: number, phase: number): string {
  return `${bucket}.${phase}`;
}
