import { AdamW, allocateGradients, backward, clipGradNorm, type DeviceName, init, scope, zeros } from '@modajs/tensor';
import { describe, expect, it } from 'vitest';
import { createDecoder, type DecoderConfig, estimateMemory, presets } from '../src/index.ts';
import { smallConfigs } from './small-configs.ts';

/** Peak of the counter over two real steps. */
async function measured(
  name: DeviceName,
  config: DecoderConfig,
  batch: number,
  seq: number,
  checkpoint: boolean,
): Promise<number> {
  using device = await init({ device: name });
  const model = createDecoder(config);
  allocateGradients(model.parameters());
  const optimizer = new AdamW(model.parameters(), { lr: 1e-3 });
  for (let step = 0; step < 2; step++) {
    using _ = scope();
    const ids = zeros([batch, seq], { dtype: 'i32' });
    backward(model.loss(ids, ids, { checkpoint }));
    optimizer.step({ gradScale: clipGradNorm(model.parameters(), 1).gradScale });
    optimizer.zeroGrad();
    device.endStep();
  }
  await device.synchronize();
  return device.memory().peakLiveBytes;
}

describe('estimateMemory', () => {
  for (const [name, checkpoint] of [
    ['moda', false],
    ['moda', true],
    ['moda, newest 2 and best slot, reader norm', false],
    ['hyper-connections', false],
    ['dense', false],
  ] as const) {
    it(`is within 10 % of the counter after real steps: ${name}${checkpoint ? ', checkpointing' : ''} [cpu]`, async () => {
      const config = smallConfigs[name];
      const estimate = estimateMemory(config, { batch: 2, seq: 16, checkpoint });
      const peak = await measured('cpu', config, 2, 16, checkpoint);
      expect(Math.abs(estimate.peak / peak - 1)).toBeLessThan(0.1);
    });
  }

  it('is within 10 % for the tiny preset [cpu]', async () => {
    const peak = await measured('cpu', presets.tiny, 2, 128, false);
    expect(Math.abs(estimateMemory(presets.tiny, { batch: 2 }).peak / peak - 1)).toBeLessThan(0.1);
  });

  it('checkpointing needs less, and the parts of moda-700m add up', () => {
    const question = { batch: 1, seq: 4096, computeDtype: 'f16' } as const;
    const plain = estimateMemory(presets['moda-700m'], question);
    const saved = estimateMemory(presets['moda-700m'], { ...question, checkpoint: true });
    expect(saved.activations).toBeLessThan(0.5 * plain.activations);
    const { parameters, copies, gradients, optimizer, depthArena, activations, peak } = plain;
    expect(parameters).toBe(4 * 705_745_920);
    expect(copies).toBe(2 * 705_745_920);
    expect(depthArena).toBe(70 * 2 * 4096 * 8 * 64 * 2);
    expect(parameters + copies + gradients + optimizer + depthArena + activations).toBe(peak);
  });
});
