import { describe, expect, it } from 'vitest';
import { COLLECTIVE_CLAIMS } from '../../../test/collective-contract.ts';
import { inProcessCollectives } from '../../distributed/in-process-collective.ts';
import { sharedLayout } from './shared-layout.ts';
import { SharedMemoryCollective } from './shared-memory-collective.ts';

/** Ranks of this process on memory of their own; banks and rings so small that everything takes several rounds. */
function ranksOf(size: number, bankBytes = 1 << 10, ringBytes = 1 << 14): SharedMemoryCollective[] {
  const layout = sharedLayout(size, bankBytes, ringBytes);
  const memory = new SharedArrayBuffer(layout.bytes);
  return Array.from({ length: size }, (_, rank) => new SharedMemoryCollective(memory, rank, size, layout));
}

describe.each([1, 2, 3, 5])('ranks that share memory, %i of them', (size) => {
  it.each(Object.entries(COLLECTIVE_CLAIMS))('%s', async (_, { run, expected }) => {
    const results = await Promise.all(ranksOf(size).map(run));
    for (const [rank, result] of results.entries()) expect(result).toEqual(expected(rank, size));
  });
});

describe('ranks that share memory', () => {
  it('add up as ranks in one process do, bit for bit', async () => {
    const sums = (ranks: readonly { readonly rank: number; allReduce(buffer: Float32Array): Promise<void> }[]) =>
      Promise.all(
        ranks.map(async (collective) => {
          const buffer = Float32Array.from(
            { length: 101 },
            (_, i) => Math.sin(i * 7 + collective.rank) * 10 ** (i % 5),
          );
          await collective.allReduce(buffer);
          return buffer;
        }),
      );
    expect(await sums(ranksOf(3))).toEqual(await sums(inProcessCollectives(3)));
  });

  it('notice one that is gone: what waits for it fails, what it had part in ends', async () => {
    const [first, second, third] = ranksOf(3);
    const whole = [first, second, third].map((rank) => rank.allReduce(new Float32Array(3)));
    await Promise.all(whole);
    const waiting = [first.allReduce(new Float32Array(50)), second.allReduce(new Float32Array(50)), first.barrier()];
    third.leave();
    const reasons = (await Promise.allSettled(waiting)).map((ended) => String((ended as PromiseRejectedResult).reason));
    for (const [i, rank] of [0, 1, 0].entries()) {
      expect(reasons[i]).toContain(`rank 2 is gone, and rank ${rank} waited for it`);
    }
  });

  it('end when one ends all, also those that only exchange messages', async () => {
    const [first, second] = ranksOf(2);
    const waiting = first.barrier();
    second.abort();
    await expect(waiting).rejects.toThrow('rank 1 has ended all ranks');
    expect(() => first.receive()).toThrow('rank 1 has ended all ranks');
  });

  it('count beyond 2^31', async () => {
    const [first, second] = ranksOf(2);
    for (const rank of [first, second]) Object.assign(rank, { told: 2 ** 31 - 2 });
    for (let i = 0; i < 4; i++) await Promise.all([first.barrier(), second.barrier()]);
  });
});
