import type { Collective, CollectiveBuffer, PeerMessage } from './collective.ts';

/** A network between ranks, as each of them sees it. */
export interface Link {
  /** Of a rank's own link, the same in both directions. */
  readonly bitsPerSecond: number;
  /** From one rank to another. */
  readonly latencyMs: number;
}

/** Milliseconds until so many bytes have left. */
export function transferMs({ bitsPerSecond }: Link, bytes: number): number {
  return (8000 * bytes) / bitsPerSecond;
}

/**
 * A rank of another collective over a slower network: what it sends leaves at the link's speed, one after the other, and comes
 * a latency later; operations of all ranks take as long as in a ring. For tests and for trying what a link would do; ranks
 * that share a process share its time too.
 */
export function throttledCollective(inner: Collective, link: Link): Collective {
  return new ThrottledCollective(inner, link);
}

class ThrottledCollective implements Collective {
  readonly rank: number;
  readonly size: number;
  readonly localRank: number;
  readonly localSize: number;
  /** When the link has sent all that was given to it, in `performance.now()`. */
  private freeAt = 0;
  private lastSent: Promise<void> = Promise.resolve();

  constructor(
    private readonly inner: Collective,
    private readonly link: Link,
  ) {
    this.rank = inner.rank;
    this.size = inner.size;
    this.localRank = inner.localRank;
    this.localSize = inner.localSize;
  }

  allReduce(buffer: Float32Array | Float64Array, op?: 'sum' | 'max'): Promise<void> {
    return this.delayed(buffer, 2, () => this.inner.allReduce(buffer, op));
  }

  reduceScatter(buffer: Float32Array | Float64Array, counts: readonly number[]): Promise<void> {
    return this.delayed(buffer, 1, () => this.inner.reduceScatter(buffer, counts));
  }

  allGather(buffer: CollectiveBuffer, counts: readonly number[]): Promise<void> {
    return this.delayed(buffer, 1, () => this.inner.allGather(buffer, counts));
  }

  allToAll(bytes: Uint8Array, counts: readonly number[], received: Uint8Array): Promise<void> {
    return this.delayed(bytes, 1, () => this.inner.allToAll(bytes, counts, received));
  }

  broadcast(buffer: CollectiveBuffer, root: number): Promise<void> {
    return this.delayed(buffer, 1, () => this.inner.broadcast(buffer, root));
  }

  barrier(): Promise<void> {
    return this.delayed(new Uint8Array(), 1, () => this.inner.barrier());
  }

  send(to: number, bytes: Uint8Array): Promise<void> {
    // Timers are of whole milliseconds: two of them may end in another order.
    const arrived = Promise.all([this.lastSent, until(this.leaves(bytes.length) + this.link.latencyMs)]);
    const sent = arrived.then(() => this.inner.send(to, bytes));
    this.lastSent = sent;
    return sent;
  }

  receive(): PeerMessage | null {
    return this.inner.receive();
  }

  progress(): void {
    this.inner.progress();
  }

  abort(exitCode: number): void {
    this.inner.abort(exitCode);
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  leave(): void {
    this.inner.leave();
  }

  /** @param times how often every byte goes round the ring */
  private async delayed(buffer: CollectiveBuffer, times: number, work: () => Promise<void>): Promise<void> {
    await work();
    const hops = times * (this.size - 1);
    await until(this.leaves((hops * buffer.byteLength) / this.size) + hops * this.link.latencyMs);
  }

  /** When so many bytes more have left. */
  private leaves(bytes: number): number {
    this.freeAt = Math.max(this.freeAt, performance.now()) + transferMs(this.link, bytes);
    return this.freeAt;
  }
}

async function until(time: number): Promise<void> {
  const ms = time - performance.now();
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
}
