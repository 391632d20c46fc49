import { unknownName } from '@modajs/tensor';
import type { Collective, CollectiveBuffer, PeerMessage } from './collective.ts';
import { PeerFailedError } from './collective-error.ts';

type Combine = (buffers: readonly CollectiveBuffer[], received: readonly Uint8Array[]) => void;

/** One operation that waits until all ranks have called it. */
interface Meeting {
  readonly name: string;
  readonly buffers: CollectiveBuffer[];
  /** Where ranks want results that do not go into the buffers. */
  readonly received: Uint8Array[];
  readonly settle: { resolve: () => void; reject: (error: Error) => void }[];
}

/** Where the ranks of one process meet: their n-th calls belong together. */
class MeetingPoint {
  private readonly meetings = new Map<number, Meeting>();
  private failure: Error | null = null;
  /** Messages that have come for each rank. */
  readonly inboxes: readonly PeerMessage[][];

  constructor(readonly size: number) {
    this.inboxes = Array.from({ length: size }, () => []);
  }

  /** Resolves once every rank has come to meeting `index`; the last one to come combines the buffers. */
  meet(
    index: number,
    rank: number,
    name: string,
    buffer: CollectiveBuffer,
    combine: Combine,
    received: Uint8Array = new Uint8Array(),
  ): Promise<void> {
    if (this.failure) return Promise.reject(this.failure);
    const meeting = this.meetings.get(index) ?? { name, buffers: [], received: [], settle: [] };
    this.meetings.set(index, meeting);
    if (meeting.name !== name) {
      const error = new Error(
        `in-process collective: call ${index} is ${meeting.name} on one rank, ${name} on another.`,
      );
      this.fail(error);
      return Promise.reject(error);
    }
    meeting.buffers[rank] = buffer;
    meeting.received[rank] = received;
    return new Promise((resolve, reject) => {
      meeting.settle.push({ resolve, reject });
      if (meeting.settle.length < this.size) return;
      this.meetings.delete(index);
      combine(meeting.buffers, meeting.received);
      for (const waiting of meeting.settle) waiting.resolve();
    });
  }

  fail(error: Error): void {
    this.failure ??= error;
    for (const { settle } of this.meetings.values()) for (const { reject } of settle) reject(this.failure);
    this.meetings.clear();
  }
}

class InProcessCollective implements Collective {
  private calls = 0;

  constructor(
    readonly rank: number,
    private readonly point: MeetingPoint,
  ) {}

  get size(): number {
    return this.point.size;
  }

  get localRank(): number {
    return this.rank;
  }

  get localSize(): number {
    return this.size;
  }

  allReduce(buffer: Float32Array | Float64Array, op: 'sum' | 'max' = 'sum'): Promise<void> {
    return this.meet(`allReduce ${op} ${buffer.length}`, buffer, (buffers) => {
      combineInto(buffers, 0, buffer.length, op);
      for (const other of buffers.slice(1)) other.set(buffers[0]);
    });
  }

  reduceScatter(buffer: Float32Array | Float64Array, counts: readonly number[]): Promise<void> {
    return this.meet(`reduceScatter ${counts}`, buffer, (buffers) => {
      combineInto(buffers, 0, buffer.length, 'sum');
      for (const [rank, { start, end }] of segments(counts).entries()) {
        buffers[rank].set(buffers[0].subarray(start, end), start);
      }
    });
  }

  allGather(buffer: CollectiveBuffer, counts: readonly number[]): Promise<void> {
    return this.meet(`allGather ${counts}`, buffer, (buffers) => {
      for (const [rank, { start, end }] of segments(counts).entries()) {
        for (const other of buffers) other.set(buffers[rank].subarray(start, end), start);
      }
    });
  }

  allToAll(bytes: Uint8Array, counts: readonly number[], received: Uint8Array): Promise<void> {
    const combine: Combine = (buffers, all) => {
      for (const [to, { start, end }] of segments(counts).entries()) {
        for (const [from, buffer] of buffers.entries()) {
          all[to].set((buffer as Uint8Array).subarray(start, end), from * (end - start));
        }
      }
    };
    return this.point.meet(this.calls++, this.rank, `allToAll ${counts}`, bytes, combine, received);
  }

  broadcast(buffer: CollectiveBuffer, root: number): Promise<void> {
    return this.meet(`broadcast ${buffer.length} from ${root}`, buffer, (buffers) => {
      for (const other of buffers) if (other !== buffers[root]) other.set(buffers[root]);
    });
  }

  barrier(): Promise<void> {
    return this.meet('barrier', new Uint8Array(0), () => {});
  }

  async send(to: number, bytes: Uint8Array): Promise<void> {
    this.point.inboxes[to].push({ from: this.rank, bytes: bytes.slice() });
  }

  receive(): PeerMessage | null {
    return this.point.inboxes[this.rank].shift() ?? null;
  }

  progress(): void {}

  abort(exitCode: number): void {
    this.point.fail(new PeerFailedError(`collective: rank ${this.rank} ended with exit code ${exitCode}.`));
  }

  close(): Promise<void> {
    return this.barrier();
  }

  leave(): void {}

  private meet(name: string, buffer: CollectiveBuffer, combine: Combine): Promise<void> {
    return this.point.meet(this.calls++, this.rank, name, buffer, combine);
  }
}

/** Adds (or takes the larger of) elements `start .. end - 1` of all buffers, in rank order, into the first. */
function combineInto(buffers: readonly CollectiveBuffer[], start: number, end: number, op: 'sum' | 'max'): void {
  const [first, ...others] = buffers;
  for (const other of others) {
    switch (op) {
      case 'sum':
        for (let i = start; i < end; i++) first[i] += other[i];
        break;
      case 'max':
        for (let i = start; i < end; i++) first[i] = Math.max(first[i], other[i]);
        break;
      default:
        unknownName('allReduce', op);
    }
  }
}

function segments(counts: readonly number[]): { start: number; end: number }[] {
  let end = 0;
  return counts.map((count) => {
    const start = end;
    end += count;
    return { start, end };
  });
}

/**
 * `size` ranks in one process, for tests and for programs that hold several devices: give each to its own training run
 * and start them together.
 */
export function inProcessCollectives(size: number): Collective[] {
  const point = new MeetingPoint(size);
  return Array.from({ length: size }, (_, rank) => new InProcessCollective(rank, point));
}
