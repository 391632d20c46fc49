import { type Device, init } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { smallRun } from '../../test/small-run.ts';
import { readCheckpoint, readLatestCheckpoint } from '../checkpoint/checkpoint.ts';
import { readMetrics } from '../metrics/metrics-log.ts';
import { optimizerKinds } from '../optim/optimizer-kinds.ts';
import { MemoryStorage } from '../storage/memory-storage.ts';

const losses = async (storage: MemoryStorage) =>
  (await readMetrics(storage)).map(({ step, loss, heldOutLoss, gradientNorm }) => [
    step,
    loss,
    heldOutLoss,
    gradientNorm,
  ]);

describe('resume [cpu]', () => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'cpu', threads: 1 });
  });
  afterAll(() => device.destroy());

  it.each<readonly [string, Readonly<Record<string, unknown>>]>([
    ...optimizerKinds.map((kind) => [kind, { optimizer: { kind, lr: 1e-3 } }] as const),
    ['sgd with Nesterov momentum', { optimizer: { kind: 'sgd', sgdNesterov: true } }],
    ['sgd without momentum', { optimizer: { kind: 'sgd', sgdMomentum: 0 } }],
    ['a moving average and a spike guard', { training: { emaDecay: 0.9 }, guard: { onNan: 'skip', spikeFactor: 1.5 } }],
  ])('continues bit for bit with %s', async (_, settings) => {
    const whole = await smallRun({ settings });
    const expected = await losses(whole.storage);
    const lastFiles = (await readCheckpoint(whole.storage, 40)).files;
    for (const step of [10, 30]) {
      const storage = new MemoryStorage();
      for (const [path, bytes] of whole.storage.files) storage.files.set(path, bytes);
      await smallRun({ settings, storage, resumeFrom: await readCheckpoint(storage, step) });
      expect(await losses(storage)).toEqual(expected);
      expect((await readCheckpoint(storage, 40)).files).toEqual(lastFiles);
    }
  });

  it('continues bit for bit after an interruption at any step', async () => {
    const expected = await losses((await smallRun()).storage);
    for (const at of [1, 9, 10, 23, 39]) {
      const controller = new AbortController();
      const { storage } = await smallRun({
        signal: controller.signal,
        listener: (event) => event.kind === 'step' && event.row.step === at && controller.abort(),
      });
      await smallRun({ storage, resumeFrom: await readLatestCheckpoint(storage) });
      expect(await losses(storage)).toEqual(expected);
    }
  });
});
