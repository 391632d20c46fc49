/** What travels between ranks. */
export type CollectiveBuffer = Float32Array | Float64Array | Uint8Array;

/** Bytes from one rank to another. */
export interface PeerMessage {
  readonly from: number;
  readonly bytes: Uint8Array;
}

/**
 * The processes (or devices) that train together, and what they can do with each other's numbers. Every rank calls the same
 * operations in the same order with buffers of the same sizes. An operation starts at the call and works in place; the
 * buffer is the operation's until the promise resolves. Results are the same bits on every rank.
 */
export interface Collective {
  /** 0 to `size - 1`. */
  readonly rank: number;
  readonly size: number;
  /** Rank among those on the same machine: chooses the GPU. */
  readonly localRank: number;
  /** Ranks on this machine. */
  readonly localSize: number;
  /** Every rank gets the sum, or the largest values, over all ranks. */
  allReduce(buffer: Float32Array | Float64Array, op?: 'sum' | 'max'): Promise<void>;
  /**
   * The buffer is cut into one segment a rank; afterwards segment `rank` holds the sum over all ranks, the others are
   * undefined.
   *
   * @param counts elements of each rank's segment, adding up to the buffer's length
   */
  reduceScatter(buffer: Float32Array | Float64Array, counts: readonly number[]): Promise<void>;
  /** The counterpart: every rank gives its own segment and gets all others. */
  allGather(buffer: CollectiveBuffer, counts: readonly number[]): Promise<void>;
  /**
   * Every rank gives each rank, itself too, a part of its bytes.
   *
   * @param bytes the parts for ranks 0, 1, ..., one after the other
   * @param counts bytes of each part, the same on every rank
   * @param received gets the parts for this rank, in the order of their senders: `size x counts[rank]` bytes
   */
  allToAll(bytes: Uint8Array, counts: readonly number[], received: Uint8Array): Promise<void>;
  /** Every rank gets the root's values. */
  broadcast(buffer: CollectiveBuffer, root: number): Promise<void>;
  /** Resolves when every rank has called it. */
  barrier(): Promise<void>;
  /**
   * Bytes for one other rank, which gets them whole, or never when one of the two is gone. Unlike the operations above nobody
   * waits: ranks that exchange messages go on without one that died.
   *
   * @returns when the bytes may be written again; never for a rank that is gone
   */
  send(to: number, bytes: Uint8Array): Promise<void>;
  /** The next message that has come, those of one sender in the order in which it sent them; null when there is none now. */
  receive(): PeerMessage | null;
  /**
   * Lets operations under way advance; costs next to nothing. For use in the middle of long synchronous work, so that
   * communication overlaps with it.
   */
  progress(): void;
  /** Ends all ranks at once because this one cannot go on; theirs ends with an error too. */
  abort(exitCode: number): void;
  /** Leaves the job in order; every rank calls it. */
  close(): Promise<void>;
  /** Leaves the job without waiting for anybody, when a rank is gone; what is still under way is given up. */
  leave(): void;
}
