import { describe, expect, it } from 'vitest';
import { COLLECTIVE_CLAIMS } from '../../test/collective-contract.ts';
import { requireAgreement, together } from './agreement.ts';
import { broadcastJson } from './broadcast-json.ts';
import { CollectiveError, PeerFailedError } from './collective-error.ts';
import { inProcessCollectives } from './in-process-collective.ts';

describe.each([1, 2, 3, 5])('in-process collective of %i', (size) => {
  it.each(Object.entries(COLLECTIVE_CLAIMS))('%s', async (_, { run, expected }) => {
    const results = await Promise.all(inProcessCollectives(size).map(run));
    for (const [rank, result] of results.entries()) expect(result).toEqual(expected(rank, size));
  });
});

describe('in-process collective', () => {
  it('refuses ranks that call different operations instead of waiting for ever', async () => {
    const [first, second] = inProcessCollectives(2);
    const calls = [first.allReduce(new Float32Array(3)), second.allReduce(new Float32Array(4))];
    for (const call of calls)
      await expect(call).rejects.toThrow('call 0 is allReduce sum 3 on one rank, allReduce sum 4');
  });

  it('ends the waiting ranks when one aborts', async () => {
    const [first, second, third] = inProcessCollectives(3);
    const waiting = [first.barrier(), second.barrier()];
    third.abort(1);
    for (const call of waiting) await expect(call).rejects.toThrow('rank 2 ended with exit code 1');
    await expect(first.barrier()).rejects.toThrow(PeerFailedError);
  });
});

describe('agreement', () => {
  const failures = async (size: number, work: (rank: number) => unknown): Promise<(Error | null)[]> =>
    Promise.all(
      inProcessCollectives(size).map((collective) =>
        together(collective, () => work(collective.rank)).then(
          () => null,
          (error: Error) => error,
        ),
      ),
    );

  it('passes results through, each rank its own', async () => {
    const results = await Promise.all(inProcessCollectives(3).map((c) => together(c, async () => c.rank * 2)));
    expect(results).toEqual([0, 2, 4]);
  });

  it('fails on all ranks when some fail, and only the lowest of them says why', async () => {
    const [healthy, first, second] = await failures(3, (rank) => {
      if (rank > 0) throw new RangeError(`rank ${rank} broke`);
    });
    expect(first).toEqual(new RangeError('rank 1 broke'));
    for (const peer of [healthy, second]) expect(peer).toBeInstanceOf(PeerFailedError);
  });

  it('names the setting that differs and the rank', async () => {
    const settings = (rank: number) => ({ version: '1.0.0', optimizer: { lr: rank === 2 ? 0.1 : 0.2 } });
    const errors = await Promise.all(
      inProcessCollectives(3).map((c) => requireAgreement(c, settings(c.rank)).catch((error: Error) => error)),
    );
    expect(errors[2]).toBeInstanceOf(CollectiveError);
    expect((errors[2] as Error).message).toContain('optimizer.lr is 0.2 on rank 0 but 0.1 on rank 2');
    for (const peer of errors.slice(0, 2)) expect(peer).toBeInstanceOf(PeerFailedError);
    await Promise.all(inProcessCollectives(2).map((c) => requireAgreement(c, { version: '1.0.0' })));
  });

  it('hands out one value as JSON', async () => {
    const values = await Promise.all(
      inProcessCollectives(3).map((c) => broadcastJson(c, c.rank === 1 ? { name: 'Ärzte', steps: [1, 2] } : null, 1)),
    );
    expect(values).toEqual(Array.from({ length: 3 }, () => ({ name: 'Ärzte', steps: [1, 2] })));
  });
});
