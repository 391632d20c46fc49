import type { Collective, CollectiveBuffer, PeerMessage } from '../../distributed/collective.ts';
import { CollectiveError, PeerFailedError } from '../../distributed/collective-error.ts';
import { type Polled, Polling } from '../polling.ts';
import { Mail } from './mail.ts';
import { rankStates, type SharedLayout, sharedLayout } from './shared-layout.ts';

/** An operation under way, which goes on when `steps` is asked and yields where it waits for a peer. */
interface Operation {
  readonly steps: Generator<void, void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

type Summed = Float32Array | Float64Array;

/**
 * Ranks that share memory: processes of one machine. An operation goes through in pieces of a bank: each rank copies its piece
 * into its bank, and when all have, each adds up its share of it in the order of ranks, as ranks in one process do. Two banks
 * take turns, so that nobody overwrites what a slower rank still reads. Nothing is asked of the operating system.
 */
export class SharedMemoryCollective implements Collective, Polled {
  private readonly operations: Operation[] = [];
  private readonly polling = new Polling(this);
  private readonly mail: Mail;
  private readonly layout: SharedLayout;
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;
  /** Of this rank: how often it has told the others that it is there. */
  private told = 0;
  private bank = 0;

  /** @param memory at least the layout's bytes, zeros when the first rank comes */
  constructor(
    private readonly memory: ArrayBufferLike,
    readonly rank: number,
    readonly size: number,
    layout: SharedLayout = sharedLayout(size),
  ) {
    this.layout = layout;
    this.words = new Int32Array(memory);
    this.bytes = new Uint8Array(memory);
    this.mail = new Mail(memory, layout, rank, size);
  }

  get localRank(): number {
    return this.rank;
  }

  get localSize(): number {
    return this.size;
  }

  get underWay(): number {
    return this.operations.length + this.mail.underWay;
  }

  allReduce(buffer: Summed, op: 'sum' | 'max' = 'sum'): Promise<void> {
    return this.start(buffer.byteLength, this.allReduceSteps(buffer, op));
  }

  reduceScatter(buffer: Summed, counts: readonly number[]): Promise<void> {
    return this.start(buffer.byteLength, this.reduceScatterSteps(buffer, counts));
  }

  allGather(buffer: CollectiveBuffer, counts: readonly number[]): Promise<void> {
    const width = buffer.BYTES_PER_ELEMENT;
    const inBytes = counts.map((count) => count * width);
    return this.start(buffer.byteLength, this.allGatherSteps(bytesOf(buffer), inBytes));
  }

  allToAll(bytes: Uint8Array, counts: readonly number[], received: Uint8Array): Promise<void> {
    return this.start(bytes.length, this.allToAllSteps(bytes, counts, received));
  }

  broadcast(buffer: CollectiveBuffer, root: number): Promise<void> {
    return this.start(buffer.byteLength, this.broadcastSteps(bytesOf(buffer), root));
  }

  barrier(): Promise<void> {
    return this.start(0, this.meet());
  }

  send(to: number, bytes: Uint8Array): Promise<void> {
    const sent = this.mail.send(to, bytes);
    if (this.mail.underWay > 0) this.polling.expect(bytes.length);
    return sent;
  }

  receive(): PeerMessage | null {
    this.requireNotAborted();
    return this.mail.receive();
  }

  progress(): void {
    this.mail.progress();
    for (;;) {
      const [first] = this.operations;
      if (first === undefined) return;
      try {
        if (!first.steps.next().done) return;
        this.operations.shift();
        first.resolve();
        if (this.operations.length === 0) this.polling.rest();
      } catch (error) {
        // What was to come after it cannot come either.
        for (const { reject } of this.operations.splice(0)) reject(error);
      }
    }
  }

  abort(_exitCode?: number): void {
    this.tell(rankStates.aborted);
  }

  async close(): Promise<void> {
    await this.barrier();
    this.tell(rankStates.gone);
  }

  leave(): void {
    this.operations.length = 0;
    this.mail.forget();
    this.tell(rankStates.gone);
  }

  private start(bytes: number, steps: Generator<void, void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.operations.push({ steps, resolve, reject });
      this.progress();
      if (this.underWay > 0) this.polling.expect(bytes);
    });
  }

  private *allReduceSteps(buffer: Summed, op: 'sum' | 'max'): Generator<void, void> {
    const most = this.layout.bankBytes / buffer.BYTES_PER_ELEMENT;
    for (let first = 0; first < buffer.length; first += most) {
      const piece = buffer.subarray(first, first + most) as Summed;
      this.bank ^= 1;
      this.floatsOf(this.rank, piece).set(piece);
      yield* this.meet();
      const [start, end] = this.shareOf(piece.length, this.rank);
      const mine = piece.subarray(start, end) as Summed;
      this.combine(mine, piece, start, op);
      this.floatsOf(this.rank, piece).set(mine, start);
      yield* this.meet();
      for (let peer = 0; peer < this.size; peer++) {
        const [from, to] = this.shareOf(piece.length, peer);
        if (peer !== this.rank) piece.set(this.floatsOf(peer, piece).subarray(from, to), from);
      }
    }
  }

  private *reduceScatterSteps(buffer: Summed, counts: readonly number[]): Generator<void, void> {
    const { rank, size } = this;
    const starts = startsOf(counts);
    const most = Math.floor(this.layout.bankBytes / buffer.BYTES_PER_ELEMENT / size);
    for (let first = 0; first < Math.max(...counts); first += most) {
      this.bank ^= 1;
      const own = this.floatsOf(rank, buffer);
      for (const [peer, count] of counts.entries()) {
        own.set(buffer.subarray(starts[peer] + first, starts[peer] + Math.min(count, first + most)), peer * most);
      }
      yield* this.meet();
      const piece = buffer.subarray(starts[rank] + first, starts[rank] + Math.min(counts[rank], first + most));
      this.combine(piece as Summed, buffer, rank * most, 'sum');
    }
  }

  private *allGatherSteps(buffer: Uint8Array, counts: readonly number[]): Generator<void, void> {
    const { rank } = this;
    const starts = startsOf(counts);
    const most = this.layout.bankBytes;
    const pieceOf = (peer: number, first: number): Uint8Array =>
      buffer.subarray(starts[peer] + first, starts[peer] + Math.max(first, Math.min(counts[peer], first + most)));
    for (let first = 0; first < Math.max(...counts); first += most) {
      this.bank ^= 1;
      this.bankOf(rank).set(pieceOf(rank, first));
      yield* this.meet();
      for (let peer = 0; peer < this.size; peer++) {
        const piece = pieceOf(peer, first);
        if (peer !== rank) piece.set(this.bankOf(peer).subarray(0, piece.length));
      }
    }
  }

  private *allToAllSteps(bytes: Uint8Array, counts: readonly number[], received: Uint8Array): Generator<void, void> {
    const { rank, size } = this;
    const starts = startsOf(counts);
    const most = Math.floor(this.layout.bankBytes / size);
    for (let first = 0; first < Math.max(...counts); first += most) {
      this.bank ^= 1;
      const own = this.bankOf(rank);
      for (const [peer, count] of counts.entries()) {
        own.set(bytes.subarray(starts[peer] + first, starts[peer] + Math.min(count, first + most)), peer * most);
      }
      yield* this.meet();
      const length = Math.max(0, Math.min(most, counts[rank] - first));
      for (let peer = 0; peer < size; peer++) {
        const piece = this.bankOf(peer).subarray(rank * most, rank * most + length);
        received.set(piece, peer * counts[rank] + first);
      }
    }
  }

  private *broadcastSteps(buffer: Uint8Array, root: number): Generator<void, void> {
    const most = this.layout.bankBytes;
    for (let first = 0; first < buffer.length; first += most) {
      this.bank ^= 1;
      const piece = buffer.subarray(first, first + most);
      if (this.rank === root) this.bankOf(root).set(piece);
      yield* this.meet();
      if (this.rank !== root) piece.set(this.bankOf(root).subarray(0, piece.length));
    }
  }

  /** Goes on when every rank has come as often as this one. */
  private *meet(): Generator<void, void> {
    this.told = (this.told + 1) | 0;
    Atomics.store(this.words, this.layout.wordsOf(this.rank), this.told);
    for (let peer = 0; peer < this.size; peer++) {
      const word = this.layout.wordsOf(peer);
      const isBehind = (): boolean => ((Atomics.load(this.words, word) - this.told) | 0) < 0;
      while (isBehind()) {
        const hasLeft = !this.isPresent(peer);
        // Asked again, for a rank may come and leave between the two questions: the last of them to close does.
        if (hasLeft && isBehind()) {
          throw new CollectiveError(
            `ranks: rank ${peer} is gone, and rank ${this.rank} waited for it. Resume the run from its last checkpoint.`,
            { rank: peer },
          );
        }
        yield;
      }
    }
  }

  /** Whether a rank still comes. @throws PeerFailedError when one has ended all of them */
  private isPresent(peer: number): boolean {
    this.requireNotAborted();
    return Atomics.load(this.words, this.layout.wordsOf(peer) + 1) === rankStates.runs;
  }

  /** @throws PeerFailedError when a rank has ended all of them, and has said why */
  private requireNotAborted(): void {
    for (let peer = 0; peer < this.size; peer++) {
      if (Atomics.load(this.words, this.layout.wordsOf(peer) + 1) !== rankStates.aborted) continue;
      throw new PeerFailedError(`ranks: rank ${peer} has ended all ranks.`, { rank: peer });
    }
  }

  private tell(state: number): void {
    Atomics.store(this.words, this.layout.wordsOf(this.rank) + 1, state);
  }

  private bankOf(rank: number): Uint8Array {
    const start = this.layout.bankOf(rank, this.bank);
    return this.bytes.subarray(start, start + this.layout.bankBytes);
  }

  /** A rank's bank as numbers of a buffer's kind. */
  private floatsOf(rank: number, like: Summed): Summed {
    const start = this.layout.bankOf(rank, this.bank);
    const length = this.layout.bankBytes / like.BYTES_PER_ELEMENT;
    if (like instanceof Float32Array) return new Float32Array(this.memory, start, length);
    return new Float64Array(this.memory, start, length);
  }

  /** `into` becomes the combination of as many elements from `start` on of all banks, in the order of ranks. */
  private combine(into: Summed, like: Summed, start: number, op: 'sum' | 'max'): void {
    into.set(this.floatsOf(0, like).subarray(start, start + into.length));
    for (let peer = 1; peer < this.size; peer++) {
      const other = this.floatsOf(peer, like).subarray(start, start + into.length);
      if (op === 'sum') for (let i = 0; i < into.length; i++) into[i] += other[i];
      else for (let i = 0; i < into.length; i++) into[i] = Math.max(into[i], other[i]);
    }
  }

  private shareOf(length: number, rank: number): [number, number] {
    return [Math.floor((rank * length) / this.size), Math.floor(((rank + 1) * length) / this.size)];
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: CollectiveBuffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function startsOf(counts: readonly number[]): number[] {
  let end = 0;
  return counts.map((count) => {
    end += count;
    return end - count;
  });
}
