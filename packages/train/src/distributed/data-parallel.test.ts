import type { Decoder } from '@modajs/models';
import { type Device, init, readSafetensors, type Tensor } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parallelRun } from '../../test/parallel-run.ts';
import { readCheckpoint } from '../checkpoint/checkpoint.ts';
import type { RawConfig } from '../config/resolve-config.ts';
import { resolveRunConfig } from '../config/run-config.ts';
import { readMetrics } from '../metrics/metrics-log.ts';
import { createOptimizer } from '../optim/create-optimizer.ts';
import type { RunEvent } from '../run/run-event.ts';
import { MemoryStorage } from '../storage/memory-storage.ts';

/** What two runs must have in common: everything but times and memory. */
const numbers = async (storage: MemoryStorage) =>
  (await readMetrics(storage)).map(({ step, loss, gradientNorm, heldOutLoss }) => ({
    step,
    loss,
    gradientNorm,
    heldOutLoss,
  }));

/** Largest relative difference of the losses of two runs, held-out ones too. */
async function lossDifference(a: MemoryStorage, b: MemoryStorage): Promise<number> {
  const [left, right] = [await numbers(a), await numbers(b)];
  expect(right.map(({ step }) => step)).toEqual(left.map(({ step }) => step));
  return Math.max(
    ...left.flatMap((row, i) => [
      Math.abs(right[i].loss! / row.loss! - 1),
      row.heldOutLoss === undefined ? 0 : Math.abs(right[i].heldOutLoss! / row.heldOutLoss - 1),
    ]),
  );
}

const copyOf = (storage: MemoryStorage): MemoryStorage => {
  const copy = new MemoryStorage();
  for (const [path, bytes] of storage.files) copy.files.set(path, bytes);
  return copy;
};

const SHARDED: RawConfig = { training: { shardOptimizer: true } };

describe('data parallelism [cpu]', () => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'cpu', threads: 1 });
  });
  afterAll(() => device.destroy());

  /** Rounding differs between a batch and its halves, and training amplifies it: at this rate by less than 10 in 50 steps. */
  const GENTLE: RawConfig = { optimizer: { lr: 1e-3 } };

  it.each([
    ['as it is', {}],
    ['with accumulation and recomputed activations', { gradientAccumulation: 2, activationCheckpointing: true }],
    ['with sharded optimiser states', { shardOptimizer: true }],
  ])('2 ranks with B/2 equal 1 rank with B to 1e-6 over 50 steps, %s', async (_, training) => {
    const devices = [device];
    const one = await parallelRun(0, { devices, settings: { ...GENTLE, training } });
    const two = await parallelRun(2, { devices, settings: { ...GENTLE, training } });
    expect(await readMetrics(two.storage)).toHaveLength(50);
    expect(await lossDifference(one.storage, two.storage)).toBeLessThan(1e-6);
  });

  it.each([
    [2, {}],
    [4, {}],
    [2, SHARDED],
    [4, SHARDED],
    [2, { ...SHARDED, optimizer: { kind: 'muon' } }],
  ])('every one of %i ranks ends with the same weights bit for bit %j', async (ranks, settings) => {
    const weights: Float32Array[][] = [];
    await parallelRun(ranks, {
      devices: [device],
      settings: { ...settings, training: { ...(settings as { training?: object }).training, steps: 7 } },
      inspect: async (rank, model) => {
        weights[rank] = await Promise.all(
          Object.values(model.parameters()).map(async (parameter) => (await parameter.data()) as Float32Array),
        );
      },
    });
    for (const other of weights.slice(1)) expect(other).toEqual(weights[0]);
  });

  it('gradients begin to travel while the backward pass goes on', async () => {
    const overlapped: number[] = [];
    await parallelRun(2, {
      devices: [device],
      settings: { training: { steps: 4, gradientAccumulation: 2, activationCheckpointing: true } },
      inspect: (rank, _, run) => {
        overlapped[rank] = run.overlappedBuckets;
      },
    });
    expect(overlapped[0]).toBeGreaterThan(1);
    expect(overlapped[1]).toBe(overlapped[0]);
  });

  it.each([{}, SHARDED])('allocates nothing on the device after the first steps %j', async (settings) => {
    const allocations: number[] = [];
    const listener = (event: RunEvent): void => {
      if (event.kind === 'step') allocations.push(device.memory().allocations);
    };
    await parallelRun(2, { devices: [device], settings, listener });
    // Step 20 evaluates and saves for the first time, which needs buffers of its own once.
    expect(new Set(allocations.slice(6, 18)).size).toBe(1);
    expect(new Set(allocations.slice(23, 38)).size).toBe(1);
  });

  it.each([
    ['', {}],
    [' with sharded optimiser states', SHARDED],
  ])('resumes bit for bit with the same number of ranks%s', async (_, settings) => {
    const whole = await parallelRun(2, { devices: [device], settings });
    const storage = copyOf(whole.storage);
    await parallelRun(2, {
      devices: [device],
      settings,
      storage,
      resumeFrom: await readCheckpoint(storage, 20),
    });
    expect(await numbers(storage)).toEqual(await numbers(whole.storage));
    expect((await readCheckpoint(storage, 50)).files).toEqual((await readCheckpoint(whole.storage, 50)).files);
  });

  it('resumes on another number of ranks, from sharded states to whole ones and back', async () => {
    const whole = await parallelRun(2, { devices: [device], settings: { ...GENTLE, ...SHARDED } });
    for (const [ranks, settings] of [
      [0, GENTLE],
      [4, { ...GENTLE, ...SHARDED }],
    ] as const) {
      const storage = copyOf(whole.storage);
      await parallelRun(ranks, {
        devices: [device],
        settings,
        storage,
        resumeFrom: await readCheckpoint(storage, 20),
      });
      expect(await lossDifference(whole.storage, storage)).toBeLessThan(1e-6);
    }
  });

  /** Every other parameter of every other step has no gradient, of the ranks named. */
  const leavingOut =
    (isPartial: (rank: number) => boolean) =>
    (rank: number, model: Decoder): void => {
      const some = Object.values(model.parameters()).filter((_, i) => i % 2 === 0) as { node: Tensor['node'] }[];
      const whole = model.loss.bind(model);
      let step = 0;
      model.loss = (...args) => {
        const nodes = some.map(({ node }) => node);
        if (step % 2 === 1 && isPartial(rank)) for (const parameter of some) parameter.node = null;
        const loss = whole(...args);
        for (const [i, parameter] of some.entries()) parameter.node = nodes[i];
        // Evaluations are no steps.
        if (loss.requiresGrad) step++;
        return loss;
      };
    };

  it.each([
    ['', {}],
    [' with sharded optimiser states', SHARDED],
  ])('resumes bit for bit when parameters of every rank have taken fewer steps than the run%s', async (_, settings) => {
    const options = { devices: [device], settings, prepare: leavingOut(() => true) };
    const whole = await parallelRun(2, options);
    const storage = copyOf(whole.storage);
    const checkpoint = await readCheckpoint(storage, 20);
    const names = Object.keys(checkpoint.state.laggingSteps!);
    expect(names.length).toBeGreaterThan(5);
    expect(Object.values(checkpoint.state.laggingSteps!)).toEqual(names.map(() => 10));
    await parallelRun(2, { ...options, storage, resumeFrom: checkpoint });
    expect((await readCheckpoint(storage, 50)).files).toEqual((await readCheckpoint(whole.storage, 50)).files);
  });

  it.each([{}, SHARDED])('refuses gradients of other parameters on one rank than on another %j', async (settings) => {
    const options = { devices: [device], settings, prepare: leavingOut((rank) => rank === 1) };
    await expect(parallelRun(2, options)).rejects.toThrow('all ranks must have gradients of the same parameters');
  });

  it('gathers all optimiser states into the checkpoint', async () => {
    const names = async (settings: RawConfig) => {
      const { storage } = await parallelRun(2, {
        devices: [device],
        settings: { ...settings, training: { ...(settings['training'] as object), steps: 2 } },
      });
      return [
        ...readSafetensors((await readCheckpoint(storage, 2)).files['optimizer.safetensors']).tensors.keys(),
      ].sort();
    };
    expect(await names(SHARDED)).toEqual(await names({}));
  });

  it('stops every rank after the same step when one is told to, with a checkpoint', async () => {
    const controller = new AbortController();
    const { storage, summaries } = await parallelRun(2, {
      devices: [device],
      signals: [undefined, controller.signal],
      listener: (event) => event.kind === 'step' && event.row.step === 9 && controller.abort(),
    });
    expect(summaries.map(({ interrupted }) => interrupted)).toEqual([true, true]);
    expect(summaries[0].step).toBe(summaries[1].step);
    expect(summaries[0].step).toBeLessThan(15);
    await readCheckpoint(storage, summaries[0].step);
  });

  it('skips an overflowing f16 step on all ranks and recovers', async () => {
    const settings = {
      training: { dtype: 'f16', steps: 30 },
      lossScale: { initial: 2 ** 24 },
    };
    const { storage } = await parallelRun(2, { devices: [device], settings });
    const rows = await readMetrics(storage);
    expect(rows.at(-1)!['skippedSteps']).toBeGreaterThan(0);
    expect(rows.at(-1)!.loss).toBeLessThan(rows[0].loss!);
    expect(Number.isFinite(rows.at(-1)!.gradientNorm)).toBe(true);
    expect(Number.isFinite(rows[0].gradientNorm)).toBe(false);
  });

  it('refuses a batch that the ranks cannot share equally', async () => {
    await expect(parallelRun(3, { devices: [device] })).rejects.toThrow(
      'training.batchSize must be a multiple of ranks x training.gradientAccumulation, got 8 with 3 x 1',
    );
  });
});

describe('sharded optimiser states [cpu]', () => {
  it('take half the memory on each of two ranks', async () => {
    const devices = await Promise.all([0, 1].map(() => init({ device: 'cpu', threads: 1 })));
    const live = async (settings: RawConfig): Promise<number[]> => {
      const bytes: number[] = [];
      await parallelRun(2, {
        devices,
        settings: { ...settings, training: { ...(settings['training'] as object), steps: 3 } },
        inspect: (rank) => {
          bytes[rank] = devices[rank].memory().liveBytes;
        },
      });
      return bytes;
    };
    const whole = await live({});
    const sharded = await live(SHARDED);
    let optimizerBytes = 0;
    await parallelRun(0, {
      devices,
      settings: { training: { steps: 1 } },
      inspect: (_, model) => {
        const before = devices[0].memory().liveBytes;
        const second = createOptimizer(model.parameters(), resolveRunConfig({}).optimizer);
        optimizerBytes = devices[0].memory().liveBytes - before;
        second.dispose();
      },
    });
    expect(optimizerBytes).toBeGreaterThan(0);
    const shares = sharded.map((bytes, rank) => 1 - (whole[rank] - bytes) / optimizerBytes);
    for (const share of shares) expect(Math.abs(share - 0.5)).toBeLessThan(0.05);
    for (const device of devices) device.destroy();
  });
});

describe('data parallelism [reference]', () => {
  it('in f64, 3 ranks equal 1 rank to 1e-9 at a learning rate that amplifies rounding a thousandfold', async () => {
    const device = await init({ device: 'reference' });
    const settings = { training: { steps: 12, batchSize: 6 }, optimizer: { lr: 0.01 } };
    const one = await parallelRun(0, { devices: [device], settings });
    for (const training of [settings.training, { ...settings.training, shardOptimizer: true }]) {
      const three = await parallelRun(3, { devices: [device], settings: { ...settings, training } });
      expect(await lossDifference(one.storage, three.storage)).toBeLessThan(1e-9);
    }
    device.destroy();
  });
});
