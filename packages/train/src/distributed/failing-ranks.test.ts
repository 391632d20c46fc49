import { type Device, init } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bigramModel } from '../../test/bigram-model.ts';
import { type ParallelRunOptions, parallelRun } from '../../test/parallel-run.ts';
import { listCheckpoints, readCheckpoint } from '../checkpoint/checkpoint.ts';
import { readMetrics } from '../metrics/metrics-log.ts';
import { MemoryStorage } from '../storage/memory-storage.ts';
import { StorageFullError } from '../storage/storage-full-error.ts';
import type { Collective } from './collective.ts';
import { CollectiveError } from './collective-error.ts';
import { inProcessCollectives } from './in-process-collective.ts';

let device: Device;
beforeAll(async () => {
  device = await init({ device: 'cpu', threads: 1 });
});
afterAll(() => device.destroy());

/** Two ranks of the bigram model, whose steps take a millisecond, and what each said when it failed. */
async function train(training: object, more: Partial<ParallelRunOptions> = {}) {
  const failures: Error[] = [];
  const collectives = more.collectives ?? inProcessCollectives(2);
  const { storage } = await parallelRun(2, {
    devices: [device],
    settings: { training: { steps: 12, ...training }, checkpoint: { every: 5 }, evaluation: { every: 100 } },
    makeModel: () => bigramModel(31, 64, 3),
    collectives,
    onFailure: (rank, error) => {
      failures[rank] = error;
      collectives[rank].abort(2);
    },
    ...more,
  });
  return { storage, failures };
}

/** Ranks whose link breaks at the `count`-th operation of a name of rank `rank`. */
function breaking(rank: number, name: 'allReduce' | 'allGather', count: number): Collective[] {
  const ranks = inProcessCollectives(2);
  let calls = 0;
  ranks[rank] = new Proxy(ranks[rank], {
    get(target, property) {
      const value = Reflect.get(target, property);
      if (typeof value !== 'function') return value;
      if (property === name && ++calls === count) {
        return async () => {
          throw new CollectiveError(`mpi: ${name} failed with status 15.`);
        };
      }
      return value.bind(target);
    },
  });
  return ranks;
}

const losses = async (storage: MemoryStorage) => (await readMetrics(storage)).map(({ step, loss }) => [step, loss]);

describe('ranks of a run in exact mode [cpu]', () => {
  it.each([
    ['the link of rank 0 breaks in the sum of a bucket', 'f32', 0, 'allReduce', 16],
    ['the link of rank 0 breaks in the middle of a bucket, between its two halves', 'f16', 0, 'allGather', 9],
    ['rank 1 is gone', 'f32', 1, 'allReduce', 16],
    ['rank 1 is gone in the middle of a bucket', 'f16', 1, 'allGather', 9],
  ] as const)(
    '%s: who sees it says so, and the last whole step is saved',
    async (_, gradientCoding, rank, name, count) => {
      const whole = await train({ gradientCoding });
      const { storage, failures } = await train({ gradientCoding }, { collectives: breaking(rank, name, count) });
      expect(failures[rank].message).toBe(`mpi: ${name} failed with status 15.`);
      expect(failures[1 - rank].message).toBe(`collective: rank ${rank} ended with exit code 2.`);
      const last = (await listCheckpoints(storage)).at(-1)!;
      expect(last).toBeGreaterThan(0);
      expect(last % 5).not.toBe(0);
      await train({ gradientCoding }, { storage, resumeFrom: await readCheckpoint(storage, last) });
      expect(await losses(storage)).toEqual(await losses(whole.storage));
      expect((await readCheckpoint(storage, 12)).files).toEqual((await readCheckpoint(whole.storage, 12)).files);
    },
  );

  it('with other settings are refused before the first step, by the rank that has them', async () => {
    for (const [settings, said] of [
      [{ training: { gradientCoding: 'int8' } }, 'training.gradientCoding is f32 on rank 0 but int8 on rank 1'],
      [{ training: { steps: 13 } }, 'training.steps is 12 on rank 0 but 13 on rank 1'],
      [{ optimizer: { lr: 0.5 } }, 'optimizer.lr is 0.003 on rank 0 but 0.5 on rank 1'],
    ] as const) {
      const { storage, failures } = await train({}, { settingsOf: (rank) => (rank === 1 ? settings : {}) });
      expect(failures[1].message).toContain(`ranks: ${said}. Start every rank with the same version and settings.`);
      expect(failures[0].message).toContain('rank 1 could not go on');
      expect(storage.files.size).toBe(0);
    }
  });

  it('go on when the disk of the first is full for a while, which it says', async () => {
    const storage = new MemoryStorage();
    const { writeFolder } = storage;
    storage.writeFolder = async (path, files) => {
      if (path.endsWith('05')) throw new StorageFullError('storage: the disk is full.');
      await writeFolder.call(storage, path, files);
    };
    const said: string[][] = [[], []];
    const { failures } = await train(
      {},
      {
        storage,
        listenerOf: (rank) => (event) => {
          if (event.kind === 'warning') said[rank].push(event.message);
        },
      },
    );
    expect(failures).toEqual([]);
    expect(said).toEqual([['storage: the disk is full.'], []]);
    expect(await listCheckpoints(storage)).toEqual([10, 12]);
  });

  it('end with what they have saved when the disk is full and a rank is gone', async () => {
    const storage = new MemoryStorage();
    const { writeFolder } = storage;
    storage.writeFolder = async (path, files) => {
      if (!path.endsWith('05')) throw new StorageFullError('storage: the disk is full.');
      await writeFolder.call(storage, path, files);
    };
    const warnings: string[] = [];
    const { failures } = await train(
      {},
      {
        storage,
        collectives: breaking(1, 'allReduce', 16),
        listener: (event) => {
          if (event.kind === 'warning') warnings.push(event.message);
        },
      },
    );
    expect(failures[0].message).toBe('collective: rank 1 ended with exit code 2.');
    expect(warnings).toContain('storage: the disk is full.');
    expect(await listCheckpoints(storage)).toEqual([5]);
  });
});
