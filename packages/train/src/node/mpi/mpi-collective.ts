import type { Collective, CollectiveBuffer, PeerMessage } from '../../distributed/collective.ts';
import { CollectiveError } from '../../distributed/collective-error.ts';
import { type Polled, Polling } from '../polling.ts';
import type { MpiEnvironment } from './mpi-environment.ts';
import type { MpiLibrary } from './mpi-library.ts';

/** An operation under way; it holds on to the memory that MPI reads and writes. */
interface Operation {
  readonly request: BigUint64Array;
  readonly memory: readonly ArrayBufferView[];
  readonly done: () => void;
}

/** A message that comes or goes; alone among operations it may never end. */
interface Letter {
  readonly request: BigUint64Array;
  readonly bytes: Uint8Array;
  readonly from: number | null;
  readonly done: () => void;
  state: 'under way' | 'there' | 'failed';
}

/** Of messages between two ranks. */
const MESSAGE_TAG = 1;

/**
 * The processes of an MPI job. Every operation is one of MPI's non-blocking ones; they advance when `progress` is called
 * and between turns of the event loop.
 */
export class MpiCollective implements Collective, Polled {
  readonly rank: number;
  readonly size: number;
  readonly localRank: number;
  readonly localSize: number;
  private operations: Operation[] = [];
  /** MPI moves data only while it is called. */
  private readonly polling = new Polling(this);
  private readonly flag = new Int32Array(1);
  private sending: Letter[] = [];
  /** In the order in which they were sent, by sender. */
  private arriving: Letter[] = [];
  private hasMail = false;

  /**
   * Initialises MPI.
   *
   * @throws CollectiveError when the launcher and the library are of different MPIs
   */
  constructor(
    private readonly mpi: MpiLibrary,
    environment: MpiEnvironment,
  ) {
    check(mpi.init(), 'MPI_Init');
    this.rank = this.ask(mpi.rank);
    this.size = this.ask(mpi.size);
    this.localRank = environment.localRank;
    this.localSize = environment.localSize;
    if (this.size === environment.size) return;
    mpi.finalize();
    throw new CollectiveError(
      `mpi: the launcher started ${environment.size} ranks, the MPI library sees ${this.size}. ` +
        'Use the mpirun that belongs to the library (OpenMPI), or srun --mpi=pmix.',
      { launched: environment.size, seen: this.size },
    );
  }

  allReduce(buffer: Float32Array | Float64Array, op: 'sum' | 'max' = 'sum'): Promise<void> {
    const { mpi } = this;
    return this.start('MPI_Iallreduce', [buffer], (request) =>
      mpi.iallreduce(buffer, buffer.length, this.typeOf(buffer), mpi.ops[op], mpi.world, request),
    );
  }

  async reduceScatter(buffer: Float32Array | Float64Array, counts: readonly number[]): Promise<void> {
    const { mpi, rank } = this;
    const all = Int32Array.from(counts);
    await this.start('MPI_Ireduce_scatter', [buffer, all], (request) =>
      mpi.ireduceScatter(buffer, all, this.typeOf(buffer), mpi.ops.sum, mpi.world, request),
    );
    // In place, MPI leaves the own segment at the start.
    buffer.copyWithin(startsOf(counts)[rank], 0, counts[rank]);
  }

  allGather(buffer: CollectiveBuffer, counts: readonly number[]): Promise<void> {
    const { mpi } = this;
    const all = Int32Array.from(counts);
    const starts = startsOf(counts);
    return this.start('MPI_Iallgatherv', [buffer, all, starts], (request) =>
      mpi.iallgatherv(buffer, all, starts, this.typeOf(buffer), mpi.world, request),
    );
  }

  allToAll(bytes: Uint8Array, counts: readonly number[], received: Uint8Array): Promise<void> {
    const { mpi, rank, size } = this;
    const given = Int32Array.from(counts);
    const taken = new Int32Array(size).fill(counts[rank]);
    const [from, to] = [startsOf(given), startsOf(taken)];
    return this.start('MPI_Ialltoallv', [bytes, received, given, taken, from, to], (request) =>
      mpi.ialltoallv(bytes, given, from, received, taken, to, mpi.types.byte, mpi.world, request),
    );
  }

  broadcast(buffer: CollectiveBuffer, root: number): Promise<void> {
    const { mpi } = this;
    return this.start('MPI_Ibcast', [buffer], (request) =>
      mpi.ibcast(buffer, buffer.length, this.typeOf(buffer), root, mpi.world, request),
    );
  }

  barrier(): Promise<void> {
    return this.start('MPI_Ibarrier', [], (request) => this.mpi.ibarrier(this.mpi.world, request));
  }

  send(to: number, bytes: Uint8Array): Promise<void> {
    this.openMail();
    return new Promise((done) => {
      const letter: Letter = { request: new BigUint64Array(1), bytes, from: null, done, state: 'under way' };
      if (this.mpi.isend(bytes, to, MESSAGE_TAG, this.mpi.world, letter.request) !== 0) return;
      this.sending.push(letter);
      this.polling.expect(bytes.length);
    });
  }

  receive(): PeerMessage | null {
    this.openMail();
    const { mpi } = this;
    for (let coming = mpi.iprobe(MESSAGE_TAG, mpi.world); coming; coming = mpi.iprobe(MESSAGE_TAG, mpi.world)) {
      const { from } = coming;
      const bytes = new Uint8Array(coming.bytes);
      const letter: Letter = { request: new BigUint64Array(1), bytes, from, done: () => {}, state: 'under way' };
      if (mpi.irecv(bytes, from, MESSAGE_TAG, mpi.world, letter.request) !== 0) continue;
      this.arriving.push(letter);
      this.polling.expect(bytes.length);
    }
    this.progressMail();
    const held = new Set<number>();
    for (const [i, { from, bytes, state }] of this.arriving.entries()) {
      if (state === 'there' && !held.has(from!)) {
        this.arriving.splice(i, 1);
        return { from: from!, bytes };
      }
      held.add(from!);
    }
    return null;
  }

  progress(): void {
    this.progressMail();
    // A look at one moves all; they end in about the order in which they began.
    for (;;) {
      const [oldest] = this.operations;
      if (oldest === undefined) return;
      check(this.mpi.test(oldest.request, this.flag), 'MPI_Test');
      if (this.flag[0] !== 1) return;
      this.operations.shift();
      if (this.operations.length === 0) this.polling.rest();
      oldest.done();
    }
  }

  abort(exitCode: number): void {
    this.mpi.abort(this.mpi.world, exitCode);
  }

  async close(): Promise<void> {
    await this.barrier();
    check(this.mpi.finalize(), 'MPI_Finalize');
  }

  leave(): void {
    this.sending = [];
    this.arriving = [];
    this.operations = [];
  }

  /** A rank that is gone must not end those that write to it. */
  private openMail(): void {
    if (this.hasMail) return;
    this.hasMail = true;
    check(this.mpi.returnErrors(this.mpi.world), 'MPI_Comm_set_errhandler');
  }

  private progressMail(): void {
    for (const letter of [...this.sending, ...this.arriving]) {
      if (letter.state !== 'under way') continue;
      const status = this.mpi.test(letter.request, this.flag);
      if (status === 0 && this.flag[0] !== 1) continue;
      letter.state = status === 0 ? 'there' : 'failed';
      if (status === 0) letter.done();
    }
    this.sending = this.sending.filter(({ state }) => state === 'under way');
    // What broke off on its way never comes.
    this.arriving = this.arriving.filter(({ state }) => state !== 'failed');
  }

  get underWay(): number {
    return (
      this.operations.length +
      this.sending.length +
      this.arriving.reduce((sum, { state }) => sum + (state === 'under way' ? 1 : 0), 0)
    );
  }

  private start(
    name: string,
    memory: readonly ArrayBufferView[],
    launch: (request: BigUint64Array) => number,
  ): Promise<void> {
    const request = new BigUint64Array(1);
    check(launch(request), name);
    const bytes = memory.reduce((sum, { byteLength }) => sum + byteLength, 0);
    return new Promise((done) => {
      this.operations.push({ request, memory, done });
      this.polling.expect(bytes);
    });
  }

  private typeOf(buffer: CollectiveBuffer): bigint {
    const { float, double, byte } = this.mpi.types;
    if (buffer instanceof Float32Array) return float;
    return buffer instanceof Float64Array ? double : byte;
  }

  private ask(question: (comm: bigint, out: Int32Array) => number): number {
    const out = new Int32Array(1);
    check(question(this.mpi.world, out), 'MPI_Comm_rank');
    return out[0];
  }
}

function startsOf(counts: ArrayLike<number>): Int32Array {
  const starts = new Int32Array(counts.length);
  for (let i = 1; i < counts.length; i++) starts[i] = starts[i - 1] + counts[i - 1];
  return starts;
}

/** @throws CollectiveError for a status that is not MPI_SUCCESS */
function check(status: number, call: string): void {
  if (status !== 0) throw new CollectiveError(`mpi: ${call} failed with status ${status}.`, { call, status });
}
