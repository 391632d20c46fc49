/** What advances only while it is looked at. */
export interface Polled {
  /** Lets it advance. */
  progress(): void;
  /** Operations and messages that have not ended. */
  readonly underWay: number;
}

/**
 * In every turn of the event loop while operations under way can be expected to last, then once a millisecond, for peers may
 * take long.
 */
const EAGER_MS = 20;
/** Slower than what machines and networks that train together do. */
const EAGER_BYTES_PER_MS = 2e5;
/** A turn of the event loop costs more than a look at the operations does. */
const BURST_MS = 0.3;
const POLL_INTERVAL_MS = 1;

/** Looks after communication between turns of the event loop. */
export class Polling {
  private isPolling = false;
  /** When what is under way should have ended, in `performance.now()`. */
  private eagerUntil = 0;

  constructor(private readonly polled: Polled) {}

  /** So many bytes are under way: looks often for as long as they should take. */
  expect(bytes: number): void {
    this.eagerUntil = Math.max(this.eagerUntil, performance.now() + EAGER_MS) + bytes / EAGER_BYTES_PER_MS;
    this.keep();
  }

  /** What was faster than expected leaves nothing over: the next operation may wait for a peer. */
  rest(): void {
    this.eagerUntil = 0;
  }

  private keep(): void {
    if (this.isPolling) return;
    this.isPolling = true;
    const poll = (): void => {
      const { polled } = this;
      const startedAt = performance.now();
      const until = Math.min(this.eagerUntil, startedAt + BURST_MS);
      const before = polled.underWay;
      do polled.progress();
      while (polled.underWay === before && performance.now() < until);
      if (polled.underWay === 0) this.isPolling = false;
      else if (startedAt < this.eagerUntil) setImmediate(poll);
      else setTimeout(poll, POLL_INTERVAL_MS);
    };
    setImmediate(poll);
  }
}
