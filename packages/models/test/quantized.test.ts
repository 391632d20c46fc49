import { AdamW, allocateGradients, backward, clipGradNorm, Device, scope, zeros } from '@modajs/tensor';
import { expect, it } from 'vitest';
import { AdaptedModel } from '../src/adapter/adapted-model.ts';
import { LoraAdapter } from '../src/adapter/lora-adapter.ts';
import { adaptableMaps } from '../src/adapter/lora-config.ts';
import { defineDecoderConfig } from '../src/config/define-decoder-config.ts';
import { createDecoder, type DecoderOptions } from '../src/decoder/decoder.ts';
import { CountingBackend } from '../src/memory/counting-backend.ts';
import { describeQuantizedDecoder } from './quantized.ts';

describeQuantizedDecoder('cpu');

/** Most bytes alive in a training step of an adapter, counted. */
function peakOfAdapter(
  shape: Parameters<typeof defineDecoderConfig>[0],
  { quantize, checkpoint, ...options }: DecoderOptions & { quantize?: 'q4_0'; checkpoint?: boolean },
) {
  const device = new Device(new CountingBackend());
  const model = defineDecoderConfig(shape);
  const maps = [...adaptableMaps(model).keys()];
  const quantized = quantize && new Map(maps.map((map) => [`${map}.weight`, quantize] as const));
  const decoder = createDecoder(model, { ...options, device, isFrozen: true, quantized });
  const lora = { rank: 16, alpha: 32, targets: ['all-linear'], rankStabilized: false };
  const adapter = new LoraAdapter(model, lora, { device, computeDtype: options.computeDtype });
  decoder.attach(adapter);
  const adapted = new AdaptedModel(decoder, adapter);
  allocateGradients(adapted.parameters());
  const optimizer = new AdamW(adapted.parameters(), { lr: 1e-3 });
  for (let step = 0; step < 2; step++) {
    using _ = scope();
    const ids = zeros([1, 512], { dtype: 'i32', device });
    backward(adapted.loss(ids, ids, { checkpoint }));
    optimizer.step({ gradScale: clipGradNorm(adapted.parameters(), 1).gradScale });
    optimizer.zeroGrad();
  }
  return device.memory().peakLiveBytes;
}

it('a 1B Llama in Q4_0 trains an adapter of rank 16 at 1 x 512 in under 4 GiB, 135M in f16 in under 2 GiB', {
  timeout: 120_000,
}, () => {
  const common = { norm: 'pre', qkNorm: 'none', ropeTheta: 500_000, seqLen: 2048 } as const;
  const oneB = {
    ...common,
    nLayers: 16,
    nHeads: 32,
    nKvHeads: 8,
    headDim: 64,
    dModel: 2048,
    dFf: 8192,
    vocabSize: 128_256,
  };
  const GiB = 2 ** 30;
  const inF32 = peakOfAdapter(oneB, { quantize: 'q4_0', checkpoint: true }) / GiB;
  const inF16 = peakOfAdapter(oneB, { quantize: 'q4_0', dtype: 'f16', computeDtype: 'f16' }) / GiB;
  const small = {
    ...common,
    nLayers: 30,
    nHeads: 9,
    nKvHeads: 3,
    headDim: 64,
    dModel: 576,
    dFf: 1536,
    vocabSize: 49_152,
  };
  const half = peakOfAdapter(small, { dtype: 'f16', computeDtype: 'f16' }) / GiB;
  console.log(
    `counted: 1B Q4_0 in f32 with checkpoints ${inF32.toFixed(2)} GiB, in f16 ${inF16.toFixed(2)} GiB; 135M f16 ${half.toFixed(2)} GiB`,
  );
  expect(inF16).toBeLessThan(4);
  expect(inF32).toBeLessThan(4);
  expect(half).toBeLessThan(2);
});
