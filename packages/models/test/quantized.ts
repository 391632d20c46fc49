import { AdamW, backward, type Device, init, noGrad, scope, tensor } from '@modajs/tensor';
import { describe, expect, it } from 'vitest';
import { AdaptedModel } from '../src/adapter/adapted-model.ts';
import { LoraAdapter } from '../src/adapter/lora-adapter.ts';
import { defineDecoderConfig } from '../src/config/define-decoder-config.ts';
import { createDecoder } from '../src/decoder/decoder.ts';
import { generate } from '../src/generate/generate.ts';
import { bytesSource } from '../src/io/gguf/byte-source.ts';
import { scoredTokenizerMetadata } from '../src/io/gguf/gguf-tokenizer.ts';
import { openGguf } from '../src/io/gguf/open-gguf.ts';
import { writeGguf } from '../src/io/gguf/write-gguf.ts';
import { hostParameters } from '../src/io/host-parameters.ts';

const V = 40;
const config = defineDecoderConfig({
  nLayers: 2,
  nHeads: 4,
  nKvHeads: 2,
  dModel: 64,
  dFf: 96,
  vocabSize: V,
  seqLen: 32,
  norm: 'pre',
  normEps: 1e-5,
  qkNorm: 'none',
  ropeTheta: 10_000,
  ropeInterleaved: true,
});

/** A file of the same random model in a storage type, opened; rows of queries and keys stand in another order there. */
async function fileOf(storage: 'Q8_0' | 'Q4_0') {
  const device = await init({ device: 'cpu', threads: 1 });
  const pieces = Array.from({ length: V }, (_, i) => `p${i}`);
  const metadata = scoredTokenizerMetadata({
    pieces,
    scores: pieces.map((_, i) => -i),
    unknownId: 0,
    bosId: 1,
    eosId: 2,
  });
  const file = writeGguf(config, await hostParameters(createDecoder(config, { device, seed: 5 })), metadata, {
    storage,
  });
  device.destroy();
  return openGguf(bytesSource(file, 'small.gguf'));
}

/** The model of a file on a device: its matrices as they are, or widened. */
async function load(storage: 'Q8_0' | 'Q4_0', device: Device, isKept: boolean) {
  const { config: read, parameters } = await fileOf(storage);
  const quantized = new Map(
    [...parameters].flatMap(([name, { quantized: q }]) => (q ? [[name, q.format] as const] : [])),
  );
  expect(quantized.size).toBe(14);
  const decoder = createDecoder(read, { device, isFrozen: true, quantized: isKept ? quantized : undefined });
  await decoder.readParameters(parameters);
  return decoder;
}

const IDS = Array.from({ length: 24 }, (_, i) => (i * 7) % V);

/** A decoder whose matrices stay quantized computes what their numbers do, in generation and in training of an adapter. */
export function describeQuantizedDecoder(name: 'cpu' | 'webgpu'): void {
  describe.each(['Q8_0', 'Q4_0'] as const)(`a decoder in %s [${name}]`, (storage) => {
    it('gives the logits and the text of its dequantized weights', async () => {
      const device = await init({ device: name });
      const logits: number[][] = [];
      const texts: number[][] = [];
      for (const isKept of [true, false]) {
        using decoder = await load(storage, device, isKept);
        using _ = scope();
        const ids = tensor(Int32Array.from(IDS), { shape: [1, IDS.length], device });
        logits.push(Array.from(await noGrad(() => decoder.logits(decoder.forward(ids))).data()));
        const text: number[] = [];
        for await (const { id } of generate(decoder, IDS.slice(0, 5), { maxNewTokens: 8, temperature: 0 }))
          text.push(id);
        texts.push(text);
      }
      const largest = logits[1].reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      logits[0].forEach((x, i) => expect(Math.abs(x - logits[1][i])).toBeLessThan(1e-5 * largest));
      expect(texts[0]).toEqual(texts[1]);
      device.destroy();
    });

    it('trains an adapter as its dequantized weights do', async () => {
      const device = await init({ device: name });
      const runs: number[][] = [];
      for (const isKept of [true, false]) {
        using decoder = await load(storage, device, isKept);
        const lora = { rank: 3, alpha: 6, targets: ['all-linear'], rankStabilized: false };
        const adapter = new LoraAdapter(decoder.config, lora, { device, seed: 4 });
        decoder.attach(adapter);
        const model = new AdaptedModel(decoder, adapter);
        const optimizer = new AdamW(model.parameters(), { lr: 1e-2 });
        const losses: number[] = [];
        for (let step = 0; step < 4; step++) {
          using _ = scope();
          const ids = tensor(Int32Array.from(IDS), { shape: [2, 12], device });
          const targets = tensor(
            Int32Array.from(IDS, (id) => (id + 7) % V),
            { shape: [2, 12], device },
          );
          const loss = model.loss(ids, targets);
          backward(loss);
          losses.push(await loss.item());
          optimizer.step();
          optimizer.zeroGrad();
        }
        optimizer.dispose();
        runs.push(losses);
      }
      runs[0].forEach((loss, i) => expect(loss).toBeCloseTo(runs[1][i], 4));
      expect(runs[0][3]).toBeLessThan(runs[0][0] - 0.05);
      device.destroy();
    });
  });
}
