import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type Device, init } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { earlyStop, MemoryStorage, openRun, type TrainedModel, trainModel } from '../src/index.ts';
import { openRun as openRunInNode } from '../src/node/index.ts';

/** A run folder that the release of that commit wrote. */
const EARLIER = fileURLToPath(new URL('../../../apps/trainer/test/earlier-runs/23b0f73/run', import.meta.url));
const text = Array.from({ length: 120 }, (_, i) => `The ${['old', 'white', 'great'][i % 3]} whale swam.`).join(' ');
const model = { nLayers: 1, nHeads: 2, dModel: 16, seqLen: 16, depth: 'moda' } as const;

let device: Device;
beforeAll(async () => {
  device = await init({ device: 'cpu', threads: 1 });
});
afterAll(() => device.destroy());

const train = (more: object = {}, settings: object = {}): Promise<TrainedModel> =>
  trainModel({
    text,
    model,
    config: {
      training: { steps: 12, batchSize: 2 },
      tokenizer: { vocabSize: 270 },
      optimizer: { lr: 1e-2 },
      schedule: { warmupSteps: 2 },
      evaluation: { every: 4 },
      ...settings,
    },
    ...more,
  });

async function weightsOf({ model }: { model: TrainedModel['model'] }): Promise<number[]> {
  const values: number[] = [];
  for (const parameter of Object.values(model.parameters())) values.push(...(await parameter.data()));
  return values;
}

async function textOf(run: Pick<TrainedModel, 'generate'>): Promise<string> {
  let all = '';
  for await (const piece of run.generate('The', { maxNewTokens: 8, temperature: 0 })) all += piece;
  return all;
}

describe('trainModel', () => {
  it('trains with callbacks, and openRun gives the same model, tokenizer, settings and metrics', async () => {
    const [steps, evaluations]: number[][] = [[], []];
    using trained = await train({
      onStep: ({ step }: { step: number }) => void steps.push(step),
      onEvaluation: ({ heldOutLoss }: { heldOutLoss?: number }) => void evaluations.push(heldOutLoss ?? Number.NaN),
    });
    expect(steps).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    expect(evaluations).toHaveLength(3);
    expect(evaluations[2]).toBeLessThan(evaluations[0]);
    expect(trained.summary).toMatchObject({ step: 12, interrupted: false, heldOutLoss: evaluations[2] });
    using opened = await openRun(trained.storage);
    expect(await weightsOf(opened)).toEqual(await weightsOf(trained));
    expect(opened.step).toBe(12);
    expect(opened.metrics.map(({ step }) => step)).toEqual(steps);
    expect(opened.config).toEqual(trained.config);
    expect(opened.tokenizer.toJson()).toBe(trained.tokenizer.toJson());
    const said = await textOf(trained);
    expect(said.length).toBeGreaterThan(0);
    expect(await textOf(opened)).toBe(said);
  });

  it('ends at the step a callback says, goes on from its files, and equals a run that was not stopped', async () => {
    using whole = await train();
    const storage = new MemoryStorage();
    using stopped = await train({ storage, onStep: ({ step }: { step: number }) => (step === 3 ? 'stop' : undefined) });
    expect(stopped.summary.interrupted).toBe(true);
    expect(stopped.summary.step).toBeLessThan(7);
    using resumed = await train({ storage });
    expect(resumed.summary.step).toBe(12);
    expect(await weightsOf(resumed)).toEqual(await weightsOf(whole));
    await expect(train({ storage }, { optimizer: { lr: 1 } })).rejects.toThrow(/optimizer.lr/);
  });

  it('stops early when evaluations no longer improve', async () => {
    using run = await train(
      { onEvaluation: earlyStop({ patience: 2 }) },
      { optimizer: { lr: 1e-9 }, training: { steps: 400, batchSize: 2 }, evaluation: { every: 2 } },
    );
    expect(run.summary.step).toBeLessThan(40);
    expect(() => earlyStop({ patience: 0 })).toThrow(/earlyStop: patience must be a whole number >= 1, got 0/);
    expect(() => earlyStop({ patience: 1 })({ step: 3 })).toThrow(
      /metric must be a number of every evaluation, got heldOutLoss/,
    );
  });

  it('refuses mistakes by name, throws what a callback throws, and keeps no memory then', async () => {
    const before = device.memory().liveBytes;
    await expect(trainModel({ text: 3 as never })).rejects.toThrow(
      /trainModel: text must be a string or a list of them, got 3/,
    );
    await expect(train({ steps: 3 })).rejects.toThrow(
      /trainModel: unknown option steps; did you mean onStep\? Options must be among text/,
    );
    await expect(train({}, { training: { step: 3 } })).rejects.toThrow(/training.step.*steps/);
    await expect(train({ onStep: () => 1 })).rejects.toThrow(/onStep must return 'stop' or nothing, got 1/);
    await expect(train({ onStep: async () => {} })).rejects.toThrow(/cannot be awaited/);
    await expect(
      train({
        onEvaluation: () => {
          throw new Error('mine');
        },
      }),
    ).rejects.toThrow('mine');
    expect(device.memory().liveBytes).toBe(before);
  });
});

describe('openRun', () => {
  it('opens the folder of an earlier release: by path, as files of a page, from a server', async () => {
    using byPath = await openRunInNode(EARLIER);
    expect(byPath.step).toBe(3);
    expect(byPath.metrics.length).toBeGreaterThan(0);
    const weights = await weightsOf(byPath);
    const names = ['config.json', 'tokenizer.json', 'metrics.jsonl'];
    const folder = 'checkpoints/step-00000003';
    names.push(
      ...['state.json', 'model.safetensors', 'optimizer.safetensors', 'ema.safetensors'].map(
        (name) => `${folder}/${name}`,
      ),
    );
    const files = await Promise.all(
      names.map(async (name) => {
        const bytes = await readFile(`${EARLIER}/${name}`);
        return {
          name: name.split('/').at(-1)!,
          webkitRelativePath: `run/${name}`,
          arrayBuffer: async () => Uint8Array.from(bytes).buffer,
        };
      }),
    );
    using fromPage = await openRun(files);
    expect(await weightsOf(fromPage)).toEqual(weights);
    const server = await serve(EARLIER);
    try {
      using fromServer = await openRun(`http://localhost:${(server.address() as AddressInfo).port}`);
      expect(await weightsOf(fromServer)).toEqual(weights);
      expect(fromServer.metrics).toEqual(byPath.metrics);
    } finally {
      server.close();
    }
  });

  it('says what is missing and where paths are opened', async () => {
    await expect(openRun('runs/mine')).rejects.toThrow(/Paths on disk are for openRun of @modajs\/train\/node/);
    await expect(openRunInNode('no/such/folder')).rejects.toThrow(/must be a run's folder, there is none/);
    await expect(openRun([])).rejects.toThrow(/config.json must be among the files, got none/);
    await expect(openRun(3 as never)).rejects.toThrow(/place must be an address, files or a storage, got 3/);
    const storage = new MemoryStorage();
    await storage.write('config.json', await readFile(`${EARLIER}/config.json`));
    await expect(openRun(storage)).rejects.toThrow(/tokenizer.json must be in memory/);
    await storage.write('tokenizer.json', await readFile(`${EARLIER}/tokenizer.json`));
    await expect(openRun(storage)).rejects.toThrow(/must hold checkpoints\/ or model.safetensors, it has neither/);
    await expect(openRunInNode(EARLIER, { step: 2 })).rejects.toThrow(/step-00000002/);
    await expect(openRun('http://localhost:9/run')).rejects.toThrow(/must be reachable/);
  });

  it('refuses a tokenizer that is not the one of the weights', async () => {
    using trained = await train();
    const other = JSON.parse(trained.tokenizer.toJson());
    other.model.merges = other.model.merges.slice(1);
    await trained.storage.write('tokenizer.json', JSON.stringify(other));
    await expect(openRun(trained.storage)).rejects.toThrow(/tokenizer/);
  });
});

async function serve(folder: string): Promise<Server> {
  const server = createServer(async ({ url = '', method }, response) => {
    const bytes = await readFile(folder + url).catch(() => null);
    response.writeHead(bytes ? 200 : 404);
    response.end(method === 'HEAD' ? undefined : bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  return server;
}
