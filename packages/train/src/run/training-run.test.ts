import { affine, DataError, type Device, init } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bigramModel } from '../../test/bigram-model.ts';
import { smallRun } from '../../test/small-run.ts';
import { listCheckpoints, readCheckpoint } from '../checkpoint/checkpoint.ts';
import { readMetrics } from '../metrics/metrics-log.ts';
import { MemoryStorage } from '../storage/memory-storage.ts';
import { TrainingStoppedError } from './training-stopped-error.ts';

const losses = async (storage: MemoryStorage) => (await readMetrics(storage)).map(({ step, loss }) => [step, loss]);

describe.each(['cpu', 'reference'] as const)('TrainingRun [%s]', (name) => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: name, threads: 1 });
  });
  afterAll(() => device.destroy());

  it('learns, evaluates, and logs one row a step', async () => {
    const { summary, storage } = await smallRun();
    const rows = await readMetrics(storage);
    expect(rows.map((row) => row.step)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    expect(rows[39].loss!).toBeLessThan(rows[0].loss! * 0.5);
    expect(rows.filter((row) => row.heldOutLoss !== undefined).map((row) => row.step)).toEqual([15, 30, 40]);
    expect(summary).toMatchObject({ step: 40, interrupted: false, heldOutLoss: rows[39].heldOutLoss });
    expect(rows[39].heldOutBitsPerByte).toBeCloseTo(rows[39].heldOutLoss! / Math.LN2, 9);
    for (const row of rows) expect(row.tokensPerSecond).toBeGreaterThan(0);
  });

  it('gives bit-identical losses when run twice', async () => {
    const [first, second] = [await smallRun(), await smallRun()];
    expect(await losses(second.storage)).toEqual(await losses(first.storage));
  });

  it('computes a batch in parts as it does whole', async () => {
    const whole = await losses((await smallRun()).storage);
    const parts = await losses((await smallRun({ settings: { training: { gradientAccumulation: 3 } } })).storage);
    for (const [i, [, loss]] of whole.entries()) expect(Math.abs(parts[i][1]! / loss! - 1)).toBeLessThan(2e-5);
  });

  it('allocates nothing after its first steps', async () => {
    const allocations: number[] = [];
    const live: number[] = [];
    await smallRun({
      listener: ({ kind }) => {
        if (kind !== 'step') return;
        allocations.push(device.memory().allocations);
        live.push(device.memory().liveBytes);
      },
    });
    // Step 15 evaluates for the first time, which needs buffers of its own once.
    expect(new Set(allocations.slice(4, 14)).size).toBe(1);
    expect(new Set(allocations.slice(18)).size).toBe(1);
    expect(new Set(live.slice(4)).size).toBe(1);
  });

  it('ends after the step in progress when the signal comes, with a checkpoint', async () => {
    const controller = new AbortController();
    const { summary, storage } = await smallRun({
      signal: controller.signal,
      listener: (event) => event.kind === 'step' && event.row.step === 12 && controller.abort(),
    });
    expect(summary.interrupted).toBe(true);
    expect(summary.step).toBeLessThan(16);
    expect((await listCheckpoints(storage)).at(-1)).toBe(summary.step);
  });

  it('ends with the error of a source that breaks while a step runs', async () => {
    let reads = 0;
    const source = {
      name: 'disk',
      length: 1013,
      read: async (_: number, count: number) => {
        if (++reads > 40) throw new DataError('data: the disk is gone.');
        return new Int32Array(count);
      },
    };
    await expect(smallRun({ source })).rejects.toThrow('data: the disk is gone.');
  });

  it('refuses a checkpoint of another configuration and names the setting', async () => {
    const { storage } = await smallRun();
    const checkpoint = await readCheckpoint(storage, 20);
    await expect(smallRun({ resumeFrom: checkpoint, identity: { V: 17, T: 12 } })).rejects.toThrow(
      'T is 11 in the checkpoint but 12 in the configuration',
    );
    await expect(smallRun({ resumeFrom: checkpoint, model: bigramModel(17, 7, 1) })).rejects.toThrow(
      'embed.weight is [17, 5] in model.safetensors but [17, 7] in the run',
    );
  });

  it('runs on through a full disk and reports it', async () => {
    const { storage } = await smallRun();
    const firstLosses = await losses(storage);
    const full = new MemoryStorage();
    const attempt = smallRun({
      storage: full,
      listener: (event) => {
        if (event.kind === 'checkpoint' && event.step === 10) full.limitBytes = 100;
        if (event.kind === 'warning' && event.message.includes('step-00000030')) full.limitBytes = Infinity;
      },
    });
    const { events } = await attempt;
    const warnings = events.filter((event) => event.kind === 'warning');
    expect(warnings.length).toBeGreaterThan(0);
    expect(await listCheckpoints(full)).toEqual([10, 40]);
    expect(await losses(full)).toEqual(firstLosses);
  });
});

describe('guards [reference]', () => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'reference' });
  });
  afterAll(() => device.destroy());

  /** A model whose loss is NaN at its calls of the given numbers. */
  function breakingModel(...calls: readonly number[]) {
    const model = bigramModel(17, 5, 3);
    let call = 0;
    return {
      ...model,
      loss: (...args: Parameters<typeof model.loss>) => {
        call++;
        if (calls.includes(call)) args[0].device.backend.upload(args[1].view.storage, 0, new Int32Array(66).fill(99));
        return model.loss(...args);
      },
    };
  }

  it('stop at a loss that is not finite', async () => {
    await expect(smallRun({ model: breakingModel(7) })).rejects.toThrow(TrainingStoppedError);
    await expect(smallRun({ model: breakingModel(7) })).rejects.toThrow('step 7 had loss NaN');
  });

  it('skip the update and go on', async () => {
    const { events, storage } = await smallRun({ model: breakingModel(7), settings: { guard: { onNan: 'skip' } } });
    expect(events.filter((event) => event.kind === 'warning')).toHaveLength(1);
    const rows = await readMetrics(storage);
    expect(rows[6].loss).toBeNull();
    expect(rows[39].loss!).toBeLessThan(2);
  });

  it('roll back to the last checkpoint and go on with the data after the bad batch', async () => {
    const { events, storage } = await smallRun({
      model: breakingModel(14),
      settings: { guard: { onNan: 'rollback' } },
    });
    expect(events.filter((event) => event.kind === 'warning')).toHaveLength(1);
    const rows = await readMetrics(storage);
    expect(rows.map((row) => row.step)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    expect(rows.every((row) => Number.isFinite(row.loss))).toBe(true);
  });

  it('skip a spike on the device and go on', async () => {
    const settings = { training: { steps: 70 }, guard: { onNan: 'skip', spikeFactor: 3 } };
    const spiking = (factor: number) => {
      const model = bigramModel(17, 5, 3);
      let call = 0;
      return {
        ...model,
        // Call 88 is step 64: four evaluations of six batches come before.
        loss: (...args: Parameters<typeof model.loss>) => {
          const loss = model.loss(...args);
          return ++call === 88 ? affine(loss, factor, 0) : loss;
        },
      };
    };
    const { events, storage } = await smallRun({ model: spiking(1000), settings });
    const warnings = events.filter((event) => event.kind === 'warning');
    expect(warnings.map((event) => event.message)).toEqual([expect.stringContaining('its update was skipped')]);
    const rows = await readMetrics(storage);
    expect(rows.filter((row) => row.loss! > 100)).toHaveLength(1);
    expect(rows[69].loss!).toBeLessThan(2);
  });

  it('stop after too many refused steps', async () => {
    const settings = { guard: { onNan: 'skip', maxEvents: 2 } };
    await expect(smallRun({ model: breakingModel(3, 5, 7), settings })).rejects.toThrow('after 2 refused steps');
  });
});
