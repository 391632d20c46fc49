import type { Collective } from '../src/distributed/collective.ts';

type Check = (collective: Collective) => Promise<readonly number[] | boolean>;

/** Every rank's numbers after one operation, beside what they must be. */
interface Claim {
  readonly run: Check;
  readonly expected: (rank: number, size: number) => readonly number[] | boolean;
}

/** Values that no rank shares with another: rank 0 has 1, 2, 3, ... */
const own = (rank: number, i: number): number => (rank + 1) * 100 + i;
const sumOver = (size: number, i: number): number =>
  Array.from({ length: size }, (_, rank) => own(rank, i)).reduce((a, b) => a + b, 0);
const range = (length: number): number[] => Array.from({ length }, (_, i) => i);
/** Segments of different lengths, one of them empty. */
const countsOf = (size: number): number[] => range(size).map((rank) => (rank === 1 ? 0 : 2 + rank));
const total = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);
const startOf = (counts: readonly number[], rank: number): number => total(counts.slice(0, rank));
const ownerOf = (counts: readonly number[], i: number): number =>
  counts.findIndex((_, rank) => i < startOf(counts, rank + 1));

/** What every `Collective` must do, by name; the same claims hold for ranks in one process and for processes. */
export const COLLECTIVE_CLAIMS: Readonly<Record<string, Claim>> = {
  'allReduce sums f32': {
    run: async (c) => {
      const buffer = Float32Array.from(range(5), (i) => own(c.rank, i));
      await c.allReduce(buffer);
      return [...buffer];
    },
    expected: (_, size) => range(5).map((i) => sumOver(size, i)),
  },
  'allReduce sums f64, NaN too': {
    run: async (c) => {
      const buffer = Float64Array.of(1 / 3 + c.rank, c.rank === 0 ? Number.NaN : 1);
      await c.allReduce(buffer);
      return [Number(Math.abs(buffer[0] - c.size / 3 - (c.size * (c.size - 1)) / 2) < 1e-12), buffer[1]];
    },
    expected: () => [1, Number.NaN],
  },
  'allReduce takes the largest': {
    run: async (c) => {
      const buffer = Float32Array.of(c.rank, 5 - c.rank);
      await c.allReduce(buffer, 'max');
      return [...buffer];
    },
    expected: (_, size) => [size - 1, 5],
  },
  'allReduce works on shared memory and on part of a buffer': {
    run: async (c) => {
      const all = new Float32Array(new SharedArrayBuffer(40)).fill(7);
      await c.allReduce(all.subarray(2, 5).fill(c.rank));
      return [...all.subarray(1, 6)];
    },
    expected: (_, size) => [7, ...range(3).map(() => (size * (size - 1)) / 2), 7],
  },
  'reduceScatter leaves each rank the sum of its segment': {
    run: async (c) => {
      const counts = countsOf(c.size);
      const buffer = Float32Array.from(range(total(counts)), (i) => own(c.rank, i));
      await c.reduceScatter(buffer, counts);
      const start = startOf(counts, c.rank);
      return [...buffer.subarray(start, start + counts[c.rank])];
    },
    expected: (rank, size) => {
      const counts = countsOf(size);
      return range(counts[rank]).map((i) => sumOver(size, startOf(counts, rank) + i));
    },
  },
  'allGather gives every rank all segments': {
    run: async (c) => {
      const counts = countsOf(c.size);
      const buffer = Float32Array.from(range(total(counts)), (i) =>
        ownerOf(counts, i) === c.rank ? own(c.rank, i) : 0,
      );
      await c.allGather(buffer, counts);
      return [...buffer];
    },
    expected: (_, size) => range(total(countsOf(size))).map((i) => own(ownerOf(countsOf(size), i), i)),
  },
  'allToAll gives every rank its parts of all, in the order of ranks': {
    run: async (c) => {
      const counts = countsOf(c.size);
      const bytes = Uint8Array.from(range(total(counts)), (i) => own(c.rank, i) % 251);
      const received = new Uint8Array(c.size * counts[c.rank]);
      await c.allToAll(bytes, counts, received);
      return [...received];
    },
    expected: (rank, size) => {
      const counts = countsOf(size);
      const first = startOf(counts, rank);
      return range(size).flatMap((from) => range(counts[rank]).map((i) => own(from, first + i) % 251));
    },
  },
  'broadcast gives every rank the bytes of the root': {
    run: async (c) => {
      const buffer = Uint8Array.of(c.rank, 9 * c.rank, 255);
      await c.broadcast(buffer, c.size - 1);
      return [...buffer];
    },
    expected: (_, size) => [size - 1, (9 * (size - 1)) % 256, 255],
  },
  'several operations under way end in the order of their calls or any other': {
    run: async (c) => {
      const buffers = range(4).map((k) => new Float32Array(1000 * (k + 1)).fill(c.rank + k));
      const pending = buffers.map((buffer) => c.allReduce(buffer));
      c.progress();
      await Promise.all(pending);
      return buffers.map((buffer) => buffer[buffer.length - 1]);
    },
    expected: (_, size) => range(4).map((k) => (size * (size - 1)) / 2 + k * size),
  },
  'messages of one sender arrive whole and in order, large or small': {
    run: async (c) => {
      const lengths = [3, 300_001, 0, 5];
      for (const [i, length] of lengths.entries()) {
        c.send((c.rank + 1) % c.size, new Uint8Array(length).fill(10 * c.rank + i));
      }
      const received: number[] = [];
      while (received.length < 4 * lengths.length) {
        const message = c.receive();
        if (message === null) await new Promise((resolve) => setTimeout(resolve, 1));
        else received.push(message.from, message.bytes.length, message.bytes[0] ?? -1, message.bytes.at(-1) ?? -1);
      }
      return received;
    },
    expected: (rank, size) => {
      const from = (rank + size - 1) % size;
      return [3, 300_001, 0, 5].flatMap((length, i) => [
        from,
        length,
        ...range(2).map(() => (length === 0 ? -1 : 10 * from + i)),
      ]);
    },
  },
  'barrier lets nobody through before all have come': {
    run: async (c) => {
      const arrivedAt = Float64Array.of(0);
      if (c.rank === c.size - 1) await new Promise((resolve) => setTimeout(resolve, 30));
      if (c.rank === c.size - 1) arrivedAt[0] = Date.now();
      await c.barrier();
      const leftAt = Date.now();
      await c.allReduce(arrivedAt, 'max');
      return leftAt >= arrivedAt[0];
    },
    expected: () => true,
  },
};
