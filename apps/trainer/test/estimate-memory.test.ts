import { adaptableMaps, CountingBackend, createDecoder, defineDecoderConfig } from '@modajs/models';
import { Device } from '@modajs/tensor';
import { createOptimizer, optimizerKinds, resolveRunConfig, WeightAverage } from '@modajs/train';
import { describe, expect, it } from 'vitest';
import { estimateMemory } from '../src/run/estimate-memory.ts';
import { createModel } from '../src/run/prepare-run.ts';

// Parameters are padded to 64 elements in memory: all of these fill theirs.
const sizes = {
  nLayers: 3,
  nHeads: 8,
  nKvHeads: 4,
  headDim: 16,
  dModel: 64,
  dFf: 192,
  vocabSize: 320,
  seqLen: 32,
  bias: true,
  tieEmbeddings: false,
};
const model = defineDecoderConfig({ ...sizes, depth: 'moda' });

describe('estimateMemory', () => {
  it.each(optimizerKinds.flatMap((kind) => [[kind, null] as const, [kind, 0.99] as const]))(
    'weights, gradients, state and average are what the device holds: %s, emaDecay %s',
    (kind, emaDecay) => {
      const config = resolveRunConfig({ optimizer: { kind }, training: { emaDecay } });
      const device = new Device(new CountingBackend());
      using decoder = createDecoder(model, { device });
      const params = decoder.parameters();
      const estimate = estimateMemory(model, config);
      expect(estimate.weights).toBe(device.memory().liveBytes);
      const optimizer = createOptimizer(params, config.optimizer);
      expect(estimate.weights + estimate.gradients + estimate.optimizer).toBe(device.memory().liveBytes);
      const average = emaDecay === null ? null : new WeightAverage(params, emaDecay);
      const fixed = estimate.weights + estimate.gradients + estimate.optimizer + estimate.average;
      expect(fixed).toBe(device.memory().liveBytes);
      average?.dispose();
      optimizer.dispose();
    },
  );

  it.each(['q8_0', 'q4_0'] as const)('under an adapter weights in blocks count as their bytes: %s', (format) => {
    const config = resolveRunConfig({ from: 'x.gguf', lora: { rank: 4, targets: ['q_proj'] } });
    const maps = [...adaptableMaps(model).keys()].map((map) => [`${map}.weight`, format] as const);
    const quantized = Object.fromEntries(maps.slice(1));
    const device = new Device(new CountingBackend());
    const origin = { name: 'x.gguf', sha256: '', special: { begin: null, end: [] }, quantized };
    using decoder = createModel({ config, model, origin }, device);
    expect(decoder.quantized.size).toBe(maps.length - 1);
    const { weights } = estimateMemory(model, config, quantized);
    expect(weights).toBe(device.memory().liveBytes);
    expect(weights).toBeLessThan(estimateMemory(model, config).weights / 2);
  });

  it.each([
    ['residual', 0],
    ['moda', 4],
    ['depth-attention', 2],
    ['depth-value-mix', 3],
    ['attention-residual', 0],
  ] as const)('the depth stream of %s has %i slots, with f32 gradients', (depth, slots) => {
    const config = resolveRunConfig({ training: { batchSize: 6, gradientAccumulation: 2, dtype: 'f16' } });
    const { depthStream } = estimateMemory(defineDecoderConfig({ ...sizes, depth }), config);
    const positions = 3 * model.seqLen;
    expect(depthStream).toBe(slots * positions * 2 * model.nKvHeads * model.headDim * (2 + 4));
  });

  it('muon keeps less than adamw', () => {
    const bytesOf = (kind: 'adamw' | 'muon') =>
      estimateMemory(model, resolveRunConfig({ optimizer: { kind } })).optimizer;
    expect(bytesOf('muon')).toBeLessThan(bytesOf('adamw'));
  });

  it('sgd and lion keep half of adamw, sgd without momentum nothing', () => {
    const bytesOf = (optimizer: object) => estimateMemory(model, resolveRunConfig({ optimizer })).optimizer;
    const adamw = bytesOf({ kind: 'adamw' });
    expect(bytesOf({ kind: 'lion' })).toBe(adamw / 2);
    expect(bytesOf({ kind: 'sgd' })).toBe(adamw / 2);
    expect(bytesOf({ kind: 'sgd', sgdMomentum: 0 })).toBe(0);
  });
});
