import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Device, init, logSoftmax, noGrad, tensor, tidy } from '@modajs/tensor';
import { Tokenizer, trainBpe } from '@modajs/tokenizer';
import { RandomText } from '@modajs/vitest/random-text';
import { getLlama, type Llama } from 'node-llama-cpp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bytePairTokenizerMetadata,
  bytesSource,
  createDecoder,
  type DecoderConfig,
  defineDecoderConfig,
  openGguf,
  readLlama2c,
  scoredTokenizerMetadata,
  writeGguf,
} from '../../src/index.ts';
import { ggmlTypes } from '../../src/io/gguf/ggml-types.ts';
import { smallFamilies } from '../families.ts';
import { hasSharedData, sharedPath } from '../shared-data.ts';
import { readPieces } from '../stories.ts';
import { ggufModels, largeParameters, smallGguf, vocabulary, withRandomBlocks } from './small-gguf.ts';

/** Differences of log-probabilities of the next token after each prefix, and the largest of these in size. */
interface Difference {
  readonly worst: number;
  readonly mean: number;
  readonly largest: number;
}

const ids = [1, 270, 3, 281, 44, 265, 259, 286, 10, 262, 200];

describe('GGUF files as llama.cpp reads them [cpu]', () => {
  let device: Device;
  let llama: Llama;
  const folder = mkdtempSync(join(tmpdir(), 'moda-gguf-'));
  beforeAll(async () => {
    device = await init({ device: 'cpu' });
    llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error' as never });
  });
  afterAll(async () => {
    device.destroy();
    await llama.dispose();
    rmSync(folder, { recursive: true });
  });

  const saved = (file: Uint8Array): string => {
    const path = join(folder, 'model.gguf');
    writeFileSync(path, file);
    return path;
  };

  async function difference(file: Uint8Array, tokens = ids, given?: DecoderConfig): Promise<Difference> {
    const { config, parameters } = await openGguf(bytesSource(file));
    using model = createDecoder(given ?? config);
    await model.readParameters(parameters);
    const ours = await tidy(() =>
      noGrad(() => logSoftmax(model.logits(model.forward(tensor([tokens], { dtype: 'i32' }))))),
    ).data();
    const theirs = await llama.loadModel({ modelPath: saved(file) });
    const context = await theirs.createContext({
      contextSize: 256,
      batchSize: 256,
      experimentalKvCacheKeyType: 'F32',
      experimentalKvCacheValueType: 'F32',
      flashAttention: false,
      threads: 1,
    });
    const options = { temperature: 1, topK: 0, topP: 1, minP: 0 };
    const outputs = await context
      .getSequence()
      .controlledEvaluate(tokens.map((id) => [id as never, { generateNext: { probabilities: true, options } }]));
    await theirs.dispose();
    let worst = 0;
    let largest = 0;
    let sum = 0;
    let count = 0;
    for (const [t, output] of outputs.entries()) {
      for (const [id, p] of output!.next.probabilities!) {
        const logProb = Math.log(p);
        const apart = Math.abs(ours[t * config.vocabSize + (id as number)] - logProb);
        worst = Math.max(worst, apart);
        sum += apart;
        count++;
        largest = Math.max(largest, Math.abs(logProb));
      }
    }
    return { worst, mean: sum / count, largest };
  }

  // Long enough for Phi 3's long divisors, which llama.cpp takes by the size of the context.
  const longIds = [...ids, ...ids.toReversed()];
  // llama.cpp's GELU is a table of f16, and the tanh approximation where the published GPT-NeoX have the exact one.
  const withGelu: Readonly<Record<string, number>> = {
    gpt2: 2e-3,
    gptneox: 2e-3,
    gemma: 6e-3,
    gemma2: 6e-3,
    gemma3: 0.2,
  };
  it.each(Object.entries(ggufModels))(
    'F32, %s: log-probabilities within 2e-4, with a GELU within more',
    async (name, config) => {
      const model = name === 'gptneox' ? { ...config, activation: 'gelu' as const } : config;
      expect((await difference(await smallGguf(config), name === 'phi3' ? longIds : ids, model)).worst).toBeLessThan(
        withGelu[name] ?? 2e-4,
      );
    },
  );

  it.each(['gemma2', 'gemma3'])('F32, %s whose FFN gives nothing: log-probabilities within 1e-4', async (name) => {
    const config = ggufModels[name];
    const parameters = await largeParameters(config);
    for (const [name, { shape, data }] of parameters) {
      if (name.includes('.down_proj.')) parameters.set(name, { shape, data: new Float32Array(data.length) });
    }
    const file = writeGguf(config, parameters, scoredTokenizerMetadata(vocabulary));
    expect((await difference(file, longIds)).worst).toBeLessThan(1e-4);
  });

  // llama.cpp rounds what it multiplies quantised weights with to 8 bits, which large random weights show.
  const blocks = defineDecoderConfig({
    ...smallFamilies.llama,
    nLayers: 1,
    nHeads: 8,
    nKvHeads: 4,
    headDim: 32,
    dModel: 256,
    dFf: 256,
  });
  it.each([...ggmlTypes].filter(([, { blockSize }]) => blockSize > 1).map(([code, { name }]) => [name, code] as const))(
    '%s, random blocks: log-probabilities within 2e-2 of the largest, on average',
    async (_, code) => {
      const file = withRandomBlocks(await smallGguf(blocks, { storage: 'Q8_0' }), code, 3);
      const { mean, largest } = await difference(file);
      expect(largest).toBeGreaterThan(6);
      expect(largest).toBeLessThan(100);
      expect(mean).toBeLessThan(2e-2 * largest);
    },
  );

  it.runIf(hasSharedData)('stories260K: F32 within 1e-4, F16, Q8_0 and Q4_0 within 2e-2 of the largest', async () => {
    const { config, parameters } = readLlama2c(readFileSync(sharedPath('models/stories260K.bin')));
    const pieces = { ...readPieces(sharedPath('models/tok512.bin')), unknownId: 0, bosId: 1, eosId: 2 };
    for (const storage of ['F32', 'F16', 'Q8_0', 'Q4_0'] as const) {
      const file = writeGguf(config, parameters, scoredTokenizerMetadata(pieces), { storage });
      const story = 'Once upon a time, there was a little girl named Lily. She loved to play outside in the park.';
      const tokens = [...Tokenizer.fromGguf((await openGguf(bytesSource(file))).metadata).encode(story)];
      const { worst, largest } = await difference(file, tokens);
      expect(worst).toBeLessThan(storage === 'F32' ? 1e-4 : 2e-2 * largest);
    }
  });

  /** Texts that the two cut differently. */
  async function differences(
    file: Uint8Array,
    count: number,
    extra: readonly string[],
    keep: (text: string) => string,
  ) {
    const ours = Tokenizer.fromGguf((await openGguf(bytesSource(file))).metadata);
    const theirs = await llama.loadModel({ modelPath: saved(file) });
    const random = new RandomText(31);
    const wrong: string[] = [];
    for (let i = 0; i < count; i++) {
      const text = keep(random.string(12, extra));
      for (const specialTokens of ['text', 'encode'] as const) {
        const mine = ours.encode(text, { addSpecialTokens: false, specialTokens });
        if (mine.join() !== theirs.tokenize(text, specialTokens === 'encode').join()) wrong.push(text);
      }
    }
    await theirs.dispose();
    return wrong;
  }

  it('scored pieces: ids of 500 odd texts', async () => {
    const file = await smallGguf(smallFamilies.llama);
    expect(await differences(file, 500, ['<s>', '</s>', ' abcde', 'bcd', '▁', '<0x41>'], (text) => text)).toEqual([]);
  });

  it.runIf(hasSharedData)("stories260K's pieces: ids of 1,000 odd texts", async () => {
    const { config, parameters } = readLlama2c(readFileSync(sharedPath('models/stories260K.bin')));
    const pieces = { ...readPieces(sharedPath('models/tok512.bin')), unknownId: 0, bosId: 1, eosId: 2 };
    const file = writeGguf(config, parameters, scoredTokenizerMetadata(pieces));
    expect(await differences(file, 1000, ['<s>', 'Lily', ' there was'], (text) => text)).toEqual([]);
  });

  // llama.cpp's tables are of Unicode 15, ours of 16: what came since is left out, most of it beyond the first plane.
  const known = (text: string): string =>
    text.replace(/[\u1c89\u1c8a\ua7cb-\ua7cd\ua7da-\ua7dc\u{10000}-\u{10ffff}\p{Cn}\p{Cs}]/gu, '');
  it.each(['gpt-2', 'smollm', 'qwen2', 'dbrx', 'llama-bpe', 'default'])(
    'byte pairs, words cut as %s: ids of 200 odd texts',
    async (pre) => {
      const random = new RandomText(5);
      const trained = trainBpe(
        Array.from({ length: 400 }, () => random.string(12)),
        {
          vocabSize: 600,
          pattern: 'cl100k',
          specialTokens: ['<|endoftext|>'],
        },
      );
      const config = defineDecoderConfig({ ...smallFamilies.llama, nLayers: 1, vocabSize: 600 });
      const metadata = bytePairTokenizerMetadata(trained.toJson(), 600, { pre });
      const file = writeGguf(config, await largeParameters(config), metadata);
      expect(await differences(file, 200, ['<|endoftext|>', "DON'T", '\r\n', '1234567'], known)).toEqual([]);
    },
  );
});
