import { AdaptedModel, createDecoder, LoraAdapter } from '@modajs/models';
import { type Device, init } from '@modajs/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { smallDecoderConfig } from '../../test/small-decoder-config.ts';
import { resolveRunConfig } from '../config/run-config.ts';
import { createOptimizer } from '../optim/create-optimizer.ts';
import { forgetReplays } from './replayed-gradients.ts';
import { trainingStep } from './training-step.ts';

const [B, T, V] = [2, 11, 29];
const STEPS = 7;

const devices: Device[] = [];
afterAll(() => devices.forEach((device) => device.destroy()));

/** Losses of an adapter's first steps on a frozen MoDA model, the allocations after each, and the largest number of a B, which was 0. */
async function adapt(
  name: 'cpu' | 'webgpu',
  isStatic: boolean,
): Promise<{ losses: number[]; allocations: number[]; change: number }> {
  const device = await init({ device: name });
  devices.push(device);
  const config = smallDecoderConfig(V, T);
  using decoder = createDecoder(config, { device, seed: 3, isFrozen: true });
  const lora = { rank: 3, alpha: 6, targets: ['all-linear'], rankStabilized: false };
  const adapter = new LoraAdapter(config, lora, { device, seed: 3 });
  decoder.attach(adapter);
  const model = new AdaptedModel(decoder, adapter);
  if (!isStatic) Object.defineProperty(model, 'hasStaticSteps', { value: false });
  const { optimizer: settings } = resolveRunConfig({ optimizer: { lr: 0.05 } });
  const optimizer = createOptimizer(model.parameters(), settings);
  const losses: number[] = [];
  const allocations: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const ids = Int32Array.from({ length: B * T }, (_, i) => (i * (step + 2) + step) % V);
    const batch = {
      B,
      T,
      ids,
      targets: ids.map((id) => (id + 1) % V),
      docRange: null,
      next: { drawn: 0, bySource: [] },
    };
    const options = { gradientAccumulation: 1, activationCheckpointing: false, zLoss: 0, clipNorm: 1 };
    const controls = { lrRatio: 1, lossScale: 1, lossLimit: Number.POSITIVE_INFINITY };
    losses.push((await trainingStep(model, optimizer, batch, options, controls)).loss);
    allocations.push(device.memory().allocations);
  }
  const b = await model.parameters()['model.layers.1.self_attn.q_proj.lora_B.weight'].data();
  forgetReplays(model);
  optimizer.dispose();
  return { losses, allocations, change: Math.max(...b) };
}

describe('steps of an adapter on a frozen model', () => {
  it('replayed are those recorded, bit for bit, begin as on the cpu, and allocate nothing after the first ones [webgpu]', async () => {
    const replayed = await adapt('webgpu', true);
    const recorded = await adapt('webgpu', false);
    const cpu = await adapt('cpu', false);
    expect(replayed.losses).toEqual(recorded.losses);
    expect(replayed.change).toBeGreaterThan(0.01);
    // Later ones drift apart: Adam divides small gradients by their own size.
    expect(Math.abs(replayed.losses[0] - cpu.losses[0])).toBeLessThan(1e-5);
    expect(new Set(replayed.allocations.slice(-3)).size).toBe(1);
  }, 600_000);
});
