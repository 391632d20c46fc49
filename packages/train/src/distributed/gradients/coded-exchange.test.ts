import { affine, type Device, init, readSafetensors } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bigramModel } from '../../../test/bigram-model.ts';
import { type ParallelRunOptions, parallelRun } from '../../../test/parallel-run.ts';
import { readCheckpoint } from '../../checkpoint/checkpoint.ts';
import { resolveRunConfig } from '../../config/run-config.ts';
import { readMetrics } from '../../metrics/metrics-log.ts';
import { MemoryStorage } from '../../storage/memory-storage.ts';
import type { Collective } from '../collective.ts';
import { DataParallel } from '../data-parallel.ts';
import { inProcessCollectives } from '../in-process-collective.ts';

let device: Device;
beforeAll(async () => {
  device = await init({ device: 'cpu', threads: 1 });
});
afterAll(() => device.destroy());

/** The bigram model, whose steps take a millisecond. */
const train = (ranks: number, training: object, more: Partial<ParallelRunOptions> = {}) =>
  parallelRun(ranks, {
    devices: [device],
    settings: { training: { steps: 20, ...training }, optimizer: { lr: 1e-2 }, checkpoint: { every: 10 } },
    makeModel: () => bigramModel(31, 64, 3),
    ...more,
  });

const losses = async (storage: MemoryStorage): Promise<number[]> =>
  (await readMetrics(storage)).map(({ loss }) => loss!);

const largestDifference = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((loss, i) => Math.abs(b[i] / loss - 1)));

describe('gradients that travel in blocks [cpu]', () => {
  it.each([
    [2, 'f16', 2e-5],
    [3, 'f16', 2e-5],
    [2, 'int8', 5e-3],
  ] as const)(
    '%i ranks in %s train as one rank does, and end with the same weights',
    async (ranks, gradientCoding, allowed) => {
      const one = await train(0, { batchSize: 6 });
      const weights: unknown[] = [];
      const many = await train(
        ranks,
        { batchSize: 6, gradientCoding },
        {
          inspect: async (rank, model) => {
            weights[rank] = await Promise.all(Object.values(model.parameters()).map((parameter) => parameter.data()));
          },
        },
      );
      for (const other of weights.slice(1)) expect(other).toEqual(weights[0]);
      const difference = largestDifference(await losses(one.storage), await losses(many.storage));
      expect(difference).toBeGreaterThan(0);
      expect(difference).toBeLessThan(allowed);
    },
  );

  it('take half and a quarter of the bytes', async () => {
    const sent = async (gradientCoding: string): Promise<number> => {
      const { storage } = await train(2, { steps: 3, gradientCoding });
      return (await readMetrics(storage)).at(-1)!.sentBytes as number;
    };
    const [f32, f16, int8] = [await sent('f32'), await sent('f16'), await sent('int8')];
    expect(f16 / f32).toBeGreaterThan(0.5);
    expect(f16 / f32).toBeLessThan(0.56);
    expect(int8 / f32).toBeGreaterThan(0.25);
    expect(int8 / f32).toBeLessThan(0.28);
  });

  it('int8: what is left out comes later, of gradients and of their sums', async () => {
    const rounds = 30;
    const sums = await Promise.all(
      inProcessCollectives(2).map(async (collective) => {
        const model = bigramModel(31, 64, 3);
        const parallel = new DataParallel(
          collective,
          model,
          resolveRunConfig({ training: { gradientCoding: 'int8' } }),
          undefined,
        );
        const [parameter] = Object.values(model.parameters());
        const total = new Float64Array(parameter.size);
        for (let round = 0; round < rounds; round++) {
          const gradient = Float32Array.from({ length: parameter.size }, (_, i) => Math.sin(i + collective.rank) ** 9);
          for (const one of Object.values(model.parameters())) one.grad = one.gradDestination!.alias();
          device.backend.upload(parameter.grad!.view.storage, parameter.grad!.view.offset, gradient);
          await parallel.exchange();
          for (const [i, value] of (await parameter.grad!.data()).entries()) total[i] += value;
          for (const one of Object.values(model.parameters())) {
            one.grad!.dispose();
            one.grad = null;
          }
        }
        parallel.optimizer.dispose();
        parallel.dispose();
        model.dispose();
        return total;
      }),
    );
    expect(sums[1]).toEqual(sums[0]);
    for (const [i, sum] of sums[0].entries()) {
      const exact = Math.fround(Math.sin(i) ** 9) + Math.fround(Math.sin(i + 1) ** 9);
      // One code of two ranks' gradients and of their sum is 0.03: without what is kept, up to 30 times as much is lost.
      expect(Math.abs(sum - rounds * exact)).toBeLessThan(0.035);
    }
  });

  it.each(['f16', 'int8'])('%s: resumes bit for bit', async (gradientCoding) => {
    const whole = await train(2, { gradientCoding });
    const storage = new MemoryStorage();
    for (const [path, bytes] of whole.storage.files) storage.files.set(path, bytes);
    const resumeFrom = await readCheckpoint(storage, 10);
    expect('residuals.safetensors' in resumeFrom.files).toBe(gradientCoding === 'int8');
    await train(2, { gradientCoding }, { storage, resumeFrom });
    expect((await readCheckpoint(storage, 20)).files).toEqual((await readCheckpoint(whole.storage, 20)).files);
    expect(await losses(storage)).toEqual(await losses(whole.storage));
  });

  it('int8: another number of ranks forgets what was left out, and goes on', async () => {
    const { storage } = await train(2, { gradientCoding: 'int8' });
    const names = async (step: number): Promise<string[]> =>
      [...readSafetensors((await readCheckpoint(storage, step)).files['residuals.safetensors']).tensors.keys()].sort();
    expect((await names(10)).every((name) => /^[01]-of-2\//.test(name))).toBe(true);
    const before = await losses(storage);
    await train(4, { gradientCoding: 'int8' }, { storage, resumeFrom: await readCheckpoint(storage, 10) });
    expect((await names(20)).every((name) => /^[0123]-of-4\//.test(name))).toBe(true);
    expect(largestDifference(before, await losses(storage))).toBeLessThan(5e-3);
  });

  it.each(['f16', 'int8'])('%s: a step that is refused leaves nothing behind', async (gradientCoding) => {
    const makeModel = (): ReturnType<typeof bigramModel> => {
      const model = bigramModel(31, 64, 3);
      const { loss } = model;
      let steps = 0;
      model.loss = (...args) => {
        const value = loss(...args);
        return value.requiresGrad && ++steps === 3 ? affine(value, Number.POSITIVE_INFINITY, 0) : value;
      };
      return model;
    };
    const { storage } = await train(
      2,
      {},
      {
        settings: {
          training: { gradientCoding, steps: 8 },
          guard: { onNan: 'skip' },
          checkpoint: { every: 1, keepLast: 8 },
        },
        makeModel,
      },
    );
    const norms = (await readMetrics(storage)).map(({ gradientNorm }) => Number.isFinite(gradientNorm));
    expect(norms).toEqual([true, true, false, true, true, true, true, true]);
    if (gradientCoding === 'f16') return;
    for (const step of [2, 3]) {
      const { tensors } = readSafetensors((await readCheckpoint(storage, step)).files['residuals.safetensors']);
      const kept = [...tensors].filter(([name]) => !name.endsWith('lossScale'));
      expect(kept.some(([, { data }]) => data.some((value) => value !== 0))).toBe(step === 2);
    }
  });

  it.each(['f32', 'f16'])(
    '%s: a step sends once, however many parts its batch is computed in',
    async (gradientCoding) => {
      const operations = async (gradientAccumulation: number): Promise<number> => {
        let count = 0;
        const collectives = inProcessCollectives(2).map((inner) =>
          counted(inner, () => {
            count++;
          }),
        );
        await train(2, { steps: 5, batchSize: 8, gradientCoding, gradientAccumulation }, { collectives });
        return count;
      };
      expect(await operations(4)).toBe(await operations(1));
    },
  );

  it('is refused where it would do nothing', () => {
    const refused = (training: object) => () => resolveRunConfig({ training: { gradientCoding: 'f16', ...training } });
    expect(refused({ sync: 'diloco' })).toThrow(
      'training.gradientCoding must be f32 with training.sync diloco, got f16',
    );
    expect(refused({ shardOptimizer: true })).toThrow(
      'training.gradientCoding must be f32 with training.shardOptimizer',
    );
  });
});

/** Tells about each operation. */
function counted(inner: Collective, tell: () => void): Collective {
  return new Proxy(inner, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (name === 'allReduce' || name === 'allToAll' || name === 'allGather') tell();
      return value.bind(target);
    },
  });
}
