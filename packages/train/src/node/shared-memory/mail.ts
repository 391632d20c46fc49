import type { PeerMessage } from '../../distributed/collective.ts';
import { ByteRing } from './byte-ring.ts';
import type { SharedLayout } from './shared-layout.ts';

/** A message on its way into a ring, its length before it. */
interface Outgoing {
  readonly parts: readonly Uint8Array[];
  readonly done: () => void;
  /** Bytes that are in the ring. */
  written: number;
}

/** One that comes out of it, after its length. */
interface Incoming {
  readonly head: Uint8Array;
  bytes: Uint8Array | null;
  /** Of the head, then of the bytes. */
  read: number;
}

const HEAD_BYTES = 4;

/** Messages between ranks that share memory: what fits into a pair's ring goes, the rest follows as the receiver reads. */
export class Mail {
  private readonly outgoing: Outgoing[][];
  private readonly incoming: Incoming[];
  private readonly arrived: PeerMessage[] = [];
  private readonly to: readonly ByteRing[];
  private readonly from: readonly ByteRing[];

  constructor(memory: ArrayBufferLike, layout: SharedLayout, rank: number, size: number) {
    const ring = (from: number, to: number): ByteRing =>
      new ByteRing(memory, layout.ringWordsOf(from, to), layout.ringOf(from, to), layout.ringBytes);
    const peers = Array.from({ length: size }, (_, peer) => peer);
    this.to = peers.map((peer) => ring(rank, peer));
    this.from = peers.map((peer) => ring(peer, rank));
    this.outgoing = peers.map(() => []);
    this.incoming = peers.map(() => ({ head: new Uint8Array(HEAD_BYTES), bytes: null, read: 0 }));
  }

  /** Messages that are not in their ring as a whole. */
  get underWay(): number {
    return this.outgoing.reduce((sum, { length }) => sum + length, 0);
  }

  send(to: number, bytes: Uint8Array): Promise<void> {
    return new Promise((done) => {
      const head = new Uint8Array(HEAD_BYTES);
      new DataView(head.buffer).setUint32(0, bytes.length, true);
      this.outgoing[to].push({ parts: [head, bytes], done, written: 0 });
      this.write(to);
    });
  }

  receive(): PeerMessage | null {
    this.progress();
    return this.arrived.shift() ?? null;
  }

  progress(): void {
    for (const peer of this.to.keys()) {
      if (this.outgoing[peer].length > 0) this.write(peer);
      this.read(peer);
    }
  }

  /** Gives up what is on its way. */
  forget(): void {
    for (const letters of this.outgoing) letters.length = 0;
  }

  private write(to: number): void {
    const letters = this.outgoing[to];
    for (;;) {
      const [letter] = letters;
      if (letter === undefined) return;
      let before = 0;
      for (const part of letter.parts) {
        if (letter.written >= before) letter.written += this.to[to].put(part.subarray(letter.written - before));
        before += part.length;
      }
      if (letter.written < before) return;
      letters.shift();
      letter.done();
    }
  }

  private read(from: number): void {
    const coming = this.incoming[from];
    const ring = this.from[from];
    for (;;) {
      const into = coming.bytes ?? coming.head;
      coming.read += ring.take(into.subarray(coming.read));
      if (coming.read < into.length) return;
      coming.read = 0;
      if (coming.bytes === null) {
        coming.bytes = new Uint8Array(new DataView(coming.head.buffer).getUint32(0, true));
        continue;
      }
      this.arrived.push({ from, bytes: coming.bytes });
      coming.bytes = null;
    }
  }
}
