import { describe, expect, it } from 'vitest';
import { MpiCollective } from './mpi-collective.ts';
import type { MpiLibrary } from './mpi-library.ts';

/** One rank alone, whose operations end when `isDone` says so of their number; counts the looks at them. */
function fakeMpi(isDone: (operation: number) => boolean) {
  const counts = { started: 0, looks: 0 };
  const start = (...args: readonly unknown[]): number => {
    (args.at(-1) as BigUint64Array)[0] = BigInt(counts.started++);
    return 0;
  };
  const answer = (value: number) => (_comm: bigint, out: Int32Array) => {
    out[0] = value;
    return 0;
  };
  const mpi = {
    world: 0n,
    types: { float: 1n, double: 2n, byte: 3n },
    ops: { sum: 4n, max: 5n },
    init: () => 0,
    finalize: () => 0,
    abort: () => 0,
    rank: answer(0),
    size: answer(1),
    iallreduce: start,
    ireduceScatter: start,
    iallgatherv: start,
    ibcast: start,
    ibarrier: start,
    test(request: BigUint64Array, flag: Int32Array) {
      counts.looks++;
      flag[0] = isDone(Number(request[0])) ? 1 : 0;
      return 0;
    },
  } as unknown as MpiLibrary;
  return { collective: new MpiCollective(mpi, { rank: 0, size: 1, localRank: 0, localSize: 1 }), counts };
}

const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('MpiCollective', () => {
  it('asks seldom while a peer keeps it waiting, however much time faster operations before left over', async () => {
    let isHeld = true;
    const { collective, counts } = fakeMpi((operation) => operation < 20 || !isHeld);
    for (let i = 0; i < 20; i++) await collective.allReduce(new Float32Array(2 ** 20));
    const barrier = collective.barrier();
    await after(100);
    const before = counts.looks;
    const startedAt = performance.now();
    while (counts.looks - before < 50) await after(1);
    // A timer of a millisecond may come a little early.
    expect(counts.looks - before).toBeLessThanOrEqual(1.1 * (performance.now() - startedAt) + 2);
    isHeld = false;
    await barrier;
  });

  it('resolves operations in the order in which they began', async () => {
    const done = new Set<number>();
    const { collective } = fakeMpi((operation) => done.has(operation));
    const ended: number[] = [];
    const all = [0, 1, 2].map((n) => collective.barrier().then(() => ended.push(n)));
    done.add(1);
    await after(20);
    expect(ended).toEqual([]);
    done.add(0).add(2);
    await Promise.all(all);
    expect(ended).toEqual([0, 1, 2]);
  });
});
