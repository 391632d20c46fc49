import { assign, type Device, init, type Tensor } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bigramModel } from '../../../test/bigram-model.ts';
import { DEFAULTS, type ParallelRunOptions, parallelRun, patternSource, T } from '../../../test/parallel-run.ts';
import { plainDiloco } from '../../../test/plain-diloco.ts';
import { readCheckpoint } from '../../checkpoint/checkpoint.ts';
import { mergeConfigs, type RawConfig } from '../../config/resolve-config.ts';
import { resolveRunConfig } from '../../config/run-config.ts';
import { readMetrics } from '../../metrics/metrics-log.ts';
import type { RunEvent } from '../../run/run-event.ts';
import { MemoryStorage } from '../../storage/memory-storage.ts';
import type { Collective } from '../collective.ts';
import { inProcessCollectives } from '../in-process-collective.ts';
import { fragmentsDue, fragmentsOf } from './fragments.ts';

type Weights = readonly ArrayLike<number>[];

let device: Device;
beforeAll(async () => {
  device = await init({ device: 'cpu', threads: 1 });
});
afterAll(() => device.destroy());

/** The bigram model, whose steps take a millisecond; the weights of each rank at the end, and what the ranks told. */
async function train(ranks: number, settings: RawConfig, more: Partial<ParallelRunOptions> = {}) {
  const weights: Weights[] = [];
  const events: RunEvent[][] = Array.from({ length: Math.max(1, ranks) }, () => []);
  const run = await parallelRun(ranks, {
    devices: [device],
    settings: mergeConfigs(BIGRAM, settings),
    makeModel: () => bigramModel(31, 5, 3),
    listenerOf: (rank) => (event) => events[rank].push(event),
    inspect: async (rank, model) => {
      const params: readonly Tensor[] = Object.values(model.parameters());
      weights[rank] = await Promise.all(params.map((parameter) => parameter.data()));
    },
    ...more,
  });
  const warnings = events.map((some) => some.flatMap((event) => (event.kind === 'warning' ? [event.message] : [])));
  return { ...run, weights, warnings };
}

const BIGRAM: RawConfig = {
  training: { steps: 60, batchSize: 8, sync: 'diloco', diloco: { every: 10, delay: 3, patienceSeconds: 0.3 } },
  optimizer: { lr: 0.02 },
  evaluation: { every: 100 },
  checkpoint: { every: null },
};
/** Nobody is left out because the machine is busy. */
const WITHOUT_HASTE: RawConfig = { patienceSeconds: 60 };
const diloco = (settings: RawConfig): RawConfig => ({ training: { diloco: settings } });

/** Largest difference of weights, relative to the largest of the same parameter. */
function difference(a: Weights, b: Weights): number {
  const differences = a.map((values, i) => {
    const largest = Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
    return Array.from(values).reduce((most, value, j) => Math.max(most, Math.abs(value - b[i][j]) / largest), 0);
  });
  return Math.max(...differences);
}

const lossesOf = async (storage: MemoryStorage) => (await readMetrics(storage)).map(({ step, loss }) => [step, loss]);
const heldOutOf = async (storage: MemoryStorage) => (await readMetrics(storage)).at(-1)!.heldOutLoss!;

describe('diloco [cpu]', () => {
  it.each([2, 4, 8])(
    'with outer learning rate 1, no momentum, every step and SGD, %i ranks equal data parallel to 1e-6',
    async (ranks) => {
      const settings = (training: RawConfig): RawConfig => ({
        optimizer: { kind: 'sgd', lr: 0.1, sgdMomentum: 0, clipNorm: 1e9 },
        training: { steps: 20, ...training },
      });
      const plain = { every: 1, delay: 0, outerLr: 1, outerMomentum: 0, coding: 'f32' };
      const exact = await train(ranks, settings({ sync: 'exact' }));
      const alone = await train(ranks, settings({ diloco: plain }));
      for (const weights of alone.weights) expect(difference(exact.weights[0], weights)).toBeLessThan(1e-6);
    },
  );

  it.each([
    ['one fragment, applied at once', { fragments: 1, delay: 0 }],
    ['three fragments, on their way for three steps', { fragments: 3, delay: 3 }],
    ['plain averages', { fragments: 3, delay: 3, outerLr: 1, outerMomentum: 0 }],
  ] as const)('2 ranks equal the algorithm written plainly in f64: %s', async (_, plain) => {
    const settings = mergeConfigs(BIGRAM, diloco({ ...plain, coding: 'f32' }));
    const run = await train(2, settings);
    const models = [bigramModel(31, 5, 3), bigramModel(31, 5, 3)];
    const fragments = fragmentsOf(models[0].parameters(), plain.fragments);
    const tensors = Object.values(models[0].parameters());
    const expected = await plainDiloco(
      models,
      patternSource,
      T,
      resolveRunConfig(mergeConfigs(DEFAULTS, settings)),
      (step, p) =>
        fragmentsDue(step, 10, fragments.length).some((f) =>
          fragments[f].staged.some(({ tensor }) => tensor === tensors[p]),
        ),
    );
    expect(difference(expected, run.weights[0])).toBeLessThan(1e-4);
    for (const model of models) model.dispose();
  });

  it.each([
    [1, 'f16'],
    [2, 'f32'],
    [2, 'f16'],
    [4, 'int8'],
    [8, 'f16'],
    [2, 'topk'],
  ] as const)('%i ranks end with the same weights bit for bit, and have learnt [%s]', async (ranks, coding) => {
    const { storage, weights } = await train(ranks, diloco({ coding, topKShare: 0.2 }));
    for (const other of weights.slice(1)) expect(other).toEqual(weights[0]);
    const [[, first]] = await lossesOf(storage);
    expect(await heldOutOf(storage)).toBeLessThan(first! - 0.5);
  });

  it('the same bits in every run', async () => {
    const settings = { training: { batchSize: 9, diloco: WITHOUT_HASTE } };
    const [a, b] = [await train(3, settings), await train(3, settings)];
    expect(a.weights).toEqual(b.weights);
    expect(a.weights[0]).not.toEqual((await train(2, {})).weights[0]);
  });

  it('refuses settings that ranks which step alone cannot follow', () => {
    const resolve =
      (training: RawConfig, more: RawConfig = {}) =>
      () =>
        resolveRunConfig({ training: { sync: 'diloco', ...training }, ...more });
    expect(resolve({ diloco: { every: 4, delay: 4 } })).toThrow(
      /delay must be below training.diloco.every, got 4 and 4/,
    );
    expect(resolve({ shardOptimizer: true })).toThrow(/shardOptimizer must be false/);
    expect(resolve({}, { guard: { onNan: 'rollback' } })).toThrow(/onNan must be stop or skip/);
    expect(resolve({ diloco: { every: 1, delay: 0 } })).not.toThrow();
  });
});

describe('a diloco run that resumes', () => {
  const SAVING: RawConfig = { checkpoint: { every: 12, keepLast: 10 } };

  /** These checkpoints lie between the sending of a fragment and its application. */
  it.each(['f16', 'int8', 'topk'])('on as many ranks goes on bit for bit [%s]', async (coding) => {
    const settings = mergeConfigs(SAVING, diloco({ ...WITHOUT_HASTE, coding }));
    const whole = await train(3, { ...settings, training: { ...(settings['training'] as object), batchSize: 9 } });
    for (const step of [12, 36]) {
      const storage = new MemoryStorage();
      for (const [path, bytes] of whole.storage.files) storage.files.set(path, bytes);
      const resumeFrom = await readCheckpoint(storage, step);
      const resumed = await train(
        3,
        { ...settings, training: { ...(settings['training'] as object), batchSize: 9 } },
        { storage, resumeFrom },
      );
      expect(resumed.weights).toEqual(whole.weights);
      expect(await lossesOf(storage)).toEqual(await lossesOf(whole.storage));
    }
    const { state, files } = await readCheckpoint(whole.storage, 36);
    expect(state.diloco!.rounds).toEqual([{ step: 35, fragment: 0, appliesAt: 38 }]);
    expect(Object.keys(files).sort()).toEqual(
      ['model', 'optimizer', 'outer', 'rank-1', 'rank-2'].map((name) => `${name}.safetensors`),
    );
  });

  it.each([1, 3, 4])('on %i ranks instead of 2 goes on from the same outer parameters', async (ranks) => {
    const settings = mergeConfigs(SAVING, { training: { batchSize: 12 } });
    const { storage } = await train(2, settings);
    const before = await heldOutOf(storage);
    const resumed = await train(ranks, settings, { storage, resumeFrom: await readCheckpoint(storage, 24) });
    for (const other of resumed.weights.slice(1)) expect(other).toEqual(resumed.weights[0]);
    expect(resumed.summaries.map(({ step }) => step)).toEqual(Array(ranks).fill(60));
    expect(Math.abs((await heldOutOf(storage)) / before - 1)).toBeLessThan(0.1);
  });

  it('ends on all ranks after the same step when one is told to, and goes on bit for bit', async () => {
    const controller = new AbortController();
    const whole = await train(2, SAVING);
    const stopped = await train(2, SAVING, {
      signals: [undefined, controller.signal],
      listenerOf: () => (event) => event.kind === 'step' && event.row.step === 15 && controller.abort(),
    });
    expect(stopped.summaries.map(({ interrupted }) => interrupted)).toEqual([true, true]);
    const [{ step }, other] = stopped.summaries;
    expect(other.step).toBe(step);
    expect(step).toBeLessThan(30);
    const resumeFrom = await readCheckpoint(stopped.storage, step);
    const resumed = await train(2, SAVING, { storage: stopped.storage, resumeFrom });
    expect(resumed.weights).toEqual(whole.weights);
  });
});

describe('a diloco run in trouble', () => {
  /** Messages of rank 1, both ways, are lost while the link is cut, or where `loses` says so of one that it sends. */
  function faultyLink(size: number, link: { isCut: boolean; loses?: (sent: number) => boolean }): Collective[] {
    return inProcessCollectives(size).map((collective) => {
      if (collective.rank !== 1) return collective;
      let sent = 0;
      const { send, receive } = collective;
      return Object.assign(collective, {
        send: async (to: number, bytes: Uint8Array) => {
          sent++;
          if (!link.isCut && !link.loses?.(sent)) await send.call(collective, to, bytes);
        },
        receive: () => {
          const message = receive.call(collective);
          return link.isCut ? null : message;
        },
      });
    });
  }

  it.each([4])('%i ranks, of which one falls silent for good, go on without it', async (size) => {
    const link = { isCut: false };
    const failures: [number, string][] = [];
    const warnings: string[] = [];
    const run = await train(size, diloco({ patienceSeconds: 0.1 }), {
      collectives: faultyLink(size, link),
      onFailure: (rank, { message }) => failures.push([rank, message]),
      listenerOf: (rank) => (event) => {
        if (rank === 0 && event.kind === 'warning') warnings.push(event.message);
        if (rank === 0 && event.kind === 'step' && event.row.step === 15) link.isCut = true;
      },
    });
    expect(failures).toEqual([[1, expect.stringContaining('diloco: rank 0 must answer within')]]);
    expect(warnings).toEqual([
      expect.stringMatching(/rank 1 has sent nothing of step \d+; the others go on without it/),
    ]);
    expect(run.summaries).toHaveLength(size - 1);
    for (const { step, absentRanks } of run.summaries) expect([step, absentRanks]).toEqual([60, [1]]);
    for (const rank of Array.from({ length: size }, (_, i) => i)) {
      if (rank !== 1) expect(run.weights[rank]).toEqual(run.weights[0]);
    }
    expect(await heldOutOf(run.storage)).toBeLessThan(2.5);
  });

  it('takes a rank back that was away, with the parameters and the step of the others', async () => {
    const link = { isCut: false };
    const steps: number[] = [];
    const warnings: string[] = [];
    const run = await train(
      3,
      { training: { batchSize: 9, diloco: { patienceSeconds: 0.1 } } },
      {
        collectives: faultyLink(3, link),
        listenerOf: (rank) => (event) => {
          if (rank === 0 && event.kind === 'warning') warnings.push(event.message);
          if (event.kind !== 'step') return;
          if (rank === 1) steps.push(event.row.step);
          if (rank === 0 && event.row.step === 15) link.isCut = true;
          if (rank === 0 && event.row.step === 36) link.isCut = false;
        },
      },
    );
    expect(warnings).toEqual([
      expect.stringMatching(/rank 1 has sent nothing of step \d+/),
      expect.stringMatching(/rank 1 is back; it goes on from step \d+ of rank 0/),
    ]);
    // It has left steps out.
    expect(steps.length).toBeLessThan(55);
    expect(run.summaries.map(({ step, absentRanks }) => [step, absentRanks])).toEqual(Array(3).fill([60, []]));
    for (const other of run.weights.slice(1)) expect(other).toEqual(run.weights[0]);
  });

  it('takes a rank back whose link broke in the middle of a fragment', async () => {
    const link = { isCut: false, loses: (sent: number) => sent === 3 };
    const run = await train(2, diloco({ patienceSeconds: 0.1 }), { collectives: faultyLink(2, link) });
    expect(run.warnings[0]).toEqual([
      expect.stringMatching(/rank 1 has sent nothing of step 15/),
      expect.stringMatching(/rank 1 is back/),
    ]);
    expect(run.weights[1]).toEqual(run.weights[0]);
  });

  it("leaves out parameters that are not finite, and gives the rank the others'", async () => {
    const run = await train(
      3,
      { training: { batchSize: 9 }, guard: { onNan: 'skip' } },
      {
        prepare: (rank, model) => {
          const { loss } = model;
          let calls = 0;
          const broken = Object.values(model.parameters())[1];
          model.loss = (...args) => {
            if (++calls === 12 && rank === 1) assign(broken, Number.POSITIVE_INFINITY);
            return loss.apply(model, args);
          };
        },
      },
    );
    expect(run.warnings[0]).toEqual([expect.stringMatching(/rank 1 has sent parameters that are not finite/)]);
    for (const other of run.weights.slice(1)) expect(other).toEqual(run.weights[0]);
    expect(await heldOutOf(run.storage)).toBeLessThan(2.5);
  });

  it.each([
    ['every', { every: 12 }],
    ['fragments', { fragments: 2 }],
    ['coding', { coding: 'int8' }],
  ])('refuses a rank with another %s by name, and the others go on', async (_, other) => {
    const failures: [number, string][] = [];
    const run = await train(
      3,
      { training: { batchSize: 9 } },
      {
        settingsOf: (rank) => (rank === 2 ? diloco(other) : {}),
        onFailure: (rank, { message }) => failures.push([rank, message]),
      },
    );
    expect(failures).toEqual([[2, expect.stringMatching(/^diloco: rank 2 must train as rank 0 does, .*"every":10/)]]);
    expect(run.warnings[0]).toEqual([expect.stringMatching(/rank 2 has other settings/)]);
    expect(run.weights[1]).toEqual(run.weights[0]);
    expect(run.summaries.map(({ absentRanks }) => absentRanks)).toEqual([[2], [2]]);
  });

  it('goes on when the disk of the first rank is full, and says so', async () => {
    const storage = new MemoryStorage();
    const failures: [number, string][] = [];
    const run = await train(
      2,
      { checkpoint: { every: 12, keepLast: 10 } },
      {
        storage,
        listenerOf: (rank) => (event) => {
          if (rank === 0 && event.kind === 'checkpoint' && event.step === 24) storage.limitBytes = 0;
        },
        onFailure: (rank, { message }) => failures.push([rank, message]),
      },
    );
    expect(failures).toEqual([[0, expect.stringMatching(/^storage: checkpoints.* are free/)]]);
    expect(run.summaries.map(({ step }) => step)).toEqual([60]);
    await readCheckpoint(storage, 24);
  });
});
