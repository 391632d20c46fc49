import { createDecoder, type Decoder, defineDecoderConfig } from '@modajs/models';
import { type Device, init, type Tensor, zeros } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveRunConfig } from '../config/run-config.ts';
import { createOptimizer } from '../optim/create-optimizer.ts';
import { forgetReplays } from './replayed-gradients.ts';
import { type StepNumbers, trainingStep } from './training-step.ts';

const [B, T, V] = [4, 11, 29];
const STEPS = 7;

let device: Device;
beforeAll(async () => {
  device = await init({ device: 'webgpu' });
});
afterAll(() => device.destroy());

function smallDecoder(): Decoder {
  const config = defineDecoderConfig({
    nLayers: 2,
    nHeads: 2,
    nKvHeads: 1,
    headDim: 8,
    dModel: 16,
    dFf: 24,
    vocabSize: V,
    seqLen: T,
    depth: 'moda',
  });
  return createDecoder(config, { device, seed: 3 });
}

interface Trace {
  readonly numbers: StepNumbers[];
  readonly weights: Float32Array[];
  /** Commands captured, and replays that went through. */
  readonly captures: number;
  readonly replays: number;
}

/** Trains some steps on changing data; `between` runs after each step. */
async function trace(
  options: { readonly isStatic: boolean; readonly parts?: number; readonly rows?: number },
  between: (step: number) => void = () => {},
): Promise<Trace> {
  const rows = options.rows ?? B;
  const model = smallDecoder();
  if (!options.isStatic) Object.defineProperty(model, 'hasStaticSteps', { value: false });
  const counts = { captures: 0, replays: 0 };
  const { capture } = device.backend;
  device.backend.capture = (body) => {
    counts.captures++;
    const commands = capture(body);
    return {
      ...commands,
      replay: (between) => {
        const went = commands.replay(between);
        if (went) counts.replays++;
        return went;
      },
    };
  };
  const { optimizer: settings } = resolveRunConfig({ optimizer: { lr: 0.01 } });
  const optimizer = createOptimizer(model.parameters(), settings);
  const numbers: StepNumbers[] = [];
  for (let step = 0; step < STEPS; step++) {
    const ids = Int32Array.from({ length: rows * T }, (_, i) => (i * (step + 2) + step) % V);
    const targets = ids.map((id) => (id + 1) % V);
    const batch = { B: rows, T, ids, targets, docRange: null, next: { drawn: 0, bySource: [] } };
    const controls = { lrRatio: 1 / (step + 1), lossScale: 1, lossLimit: Number.POSITIVE_INFINITY };
    const fixed = {
      gradientAccumulation: options.parts ?? 1,
      activationCheckpointing: false,
      zLoss: 1e-4,
      clipNorm: 1,
    };
    numbers.push(await trainingStep(model, optimizer, batch, fixed, controls));
    between(step);
  }
  const weights = await Promise.all(Object.values(model.parameters()).map((x) => x.data() as Promise<Float32Array>));
  device.backend.capture = capture;
  forgetReplays(model);
  optimizer.dispose();
  model.dispose();
  return { numbers, weights, ...counts };
}

describe('replayed steps', { timeout: 300_000 }, () => {
  it('equal recorded ones bit for bit [webgpu]', async () => {
    const live = device.memory().liveBytes;
    const recorded = await trace({ isStatic: false });
    const replayed = await trace({ isStatic: true });
    expect(recorded).toMatchObject({ captures: 0, replays: 0 });
    expect(replayed).toMatchObject({ captures: 1, replays: STEPS - 3 });
    expect(replayed.numbers).toEqual(recorded.numbers);
    expect(replayed.weights).toEqual(recorded.weights);
    expect(device.memory().liveBytes).toBe(live);
  });

  it('add up over the parts of a batch [webgpu]', async () => {
    const recorded = await trace({ isStatic: false, parts: 2 });
    const replayed = await trace({ isStatic: true, parts: 2 });
    expect(replayed).toMatchObject({ captures: 2, replays: 2 * (STEPS - 3) });
    expect(replayed.numbers).toEqual(recorded.numbers);
    expect(replayed.weights).toEqual(recorded.weights);
  });

  it('of many parts are captured once each [webgpu]', async () => {
    const recorded = await trace({ isStatic: false, parts: 8, rows: 8 });
    const replayed = await trace({ isStatic: true, parts: 8, rows: 8 });
    // The first part: two steps as warm-up, a capture. The others: two parts, a capture.
    expect(replayed).toMatchObject({ captures: 2, replays: STEPS - 3 + 7 * STEPS - 3 });
    expect(replayed.numbers).toEqual(recorded.numbers);
    expect(replayed.weights).toEqual(recorded.weights);
  });

  it('are captured anew when somebody took their memory [webgpu]', async () => {
    const recorded = await trace({ isStatic: false });
    const taken: Tensor[] = [];
    const replayed = await trace({ isStatic: true }, (step) => {
      if (step === 4) for (let i = 0; i < 400; i++) taken.push(zeros([B * T, 16]), zeros([64]));
    });
    for (const tensor of taken) tensor.dispose();
    expect(replayed.captures).toBe(2);
    expect(replayed.numbers).toEqual(recorded.numbers);
    expect(replayed.weights).toEqual(recorded.weights);
  });
});
