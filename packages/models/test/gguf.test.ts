import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Device, init, logSoftmax, noGrad, tensor, tidy } from '@modajs/tensor';
import { getLlama, type Llama } from 'node-llama-cpp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bytePairTokenizerMetadata,
  createDecoder,
  type Decoder,
  generate,
  hostParameters,
  readLlama2c,
  type ScoredPieces,
  scoredTokenizerMetadata,
  writeGguf,
} from '../src/index.ts';
import { smallFamilies } from './families.ts';
import { hasSharedData, sharedPath } from './shared-data.ts';
import { smallConfigs } from './small-configs.ts';
import { readPieces } from './stories.ts';

/** 288 pieces: unknown, start, end, 256 bytes, 29 letters. */
const letters = Array.from({ length: 29 }, (_, i) => (i < 26 ? String.fromCharCode(97 + i) : [' ', '.', ','][i - 26]));
const vocabulary: ScoredPieces = {
  pieces: [
    '<unk>',
    '<s>',
    '</s>',
    ...Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`),
    ...letters,
  ],
  scores: new Array<number>(288).fill(0),
  unknownId: 0,
  bosId: 1,
  eosId: 2,
};

const officialTexts = ["DON'T we'LL 12345", ' naïve café  \n\n x', 'a1b22c333\tHello'];
/** Files, llama.cpp's name of how they cut words, and the ids that `tokenizers` 0.23.2 gives for `officialTexts`. */
const official = [
  [
    'dolma2',
    'dbrx',
    [
      [85741, 17773, 584, 6, 4178, 220, 4513, 1774],
      [95980, 588, 53050, 19124, 865],
      [64, 16, 65, 1313, 66, 8765, 197, 9906],
    ],
  ],
  [
    'gpt2',
    'gpt-2',
    [
      [41173, 6, 51, 356, 6, 3069, 17031, 2231],
      [41492, 40304, 220, 220, 628, 2124],
      [64, 16, 65, 1828, 66, 20370, 197, 15496],
    ],
  ],
] as const;

/** Log-probabilities of the token after every prefix of `ids`, by llama.cpp. */
async function llamaLogProbs(llama: Llama, path: string, ids: readonly number[]): Promise<Map<number, number>[]> {
  const model = await llama.loadModel({ modelPath: path });
  const context = await model.createContext({
    contextSize: 256,
    batchSize: 256,
    experimentalKvCacheKeyType: 'F32',
    experimentalKvCacheValueType: 'F32',
    flashAttention: false,
    threads: 1,
  });
  // Temperature 1 leaves the logits as they are.
  const wanted = {
    generateNext: { probabilities: true, options: { temperature: 1, topK: 0, topP: 1, minP: 0 } },
  } as const;
  const sequence = context.getSequence();
  const outputs = await sequence.controlledEvaluate(ids.map((id) => [id as never, wanted]));
  await model.dispose();
  return outputs.map(
    (output) => new Map([...output!.next.probabilities!].map(([id, p]) => [id as number, Math.log(p)])),
  );
}

/** The same by ours: `[T][V]`. */
async function ourLogProbs(model: Decoder, ids: readonly number[]): Promise<number[][]> {
  const V = model.config.vocabSize;
  const rows = await tidy(() =>
    noGrad(() => logSoftmax(model.logits(model.forward(tensor([[...ids]], { dtype: 'i32' }))))),
  ).data();
  return ids.map((_, t) => Array.from(rows.slice(t * V, (t + 1) * V)));
}

describe('gguf against llama.cpp [cpu]', () => {
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

  for (const family of ['olmo2', 'llama', 'qwen3'] as const) {
    it(`a random ${family} gives the same next-token distribution`, async () => {
      using model = createDecoder(smallFamilies[family], { seed: 9 });
      // Larger weights than fresh ones: nearly uniform distributions would agree whatever the computation.
      for (const parameter of Object.values(model.parameters())) {
        const values = Float32Array.from(await parameter.data(), (x, i) => x * 4 + 0.1 * Math.sin(5 * i));
        device.backend.upload(parameter.storage.raw, parameter.offset, values);
      }
      const path = join(folder, `${family}.gguf`);
      writeFileSync(path, writeGguf(model.config, await hostParameters(model), scoredTokenizerMetadata(vocabulary)));
      const ids = [1, 270, 3, 281, 44, 265, 259, 287, 10, 262, 200];
      const theirs = await llamaLogProbs(llama, path, ids);
      const ours = await ourLogProbs(model, ids);
      let compared = 0;
      theirs.forEach((row, t) => {
        const best = ours[t].indexOf(Math.max(...ours[t]));
        expect([...row].sort((a, b) => b[1] - a[1])[0][0]).toBe(best);
        for (const [id, logProb] of row) {
          expect(Math.abs(ours[t][id] - logProb)).toBeLessThan(1e-2);
          compared++;
        }
      });
      expect(compared).toBeGreaterThan(10 * ids.length);
    });
  }

  it.runIf(hasSharedData)('stories260K loses the same over a text: mean to 1e-2 nats, each token to 2e-2', async () => {
    const { config, parameters } = readLlama2c(readFileSync(sharedPath('models/stories260K.bin')));
    using model = createDecoder(config);
    model.loadParameters(parameters);
    const path = join(folder, 'stories.gguf');
    const tokens = { ...readPieces(sharedPath('models/tok512.bin')), unknownId: 0, bosId: 1, eosId: 2 };
    writeFileSync(path, writeGguf(config, parameters, scoredTokenizerMetadata(tokens)));
    const ids = [1];
    for await (const { id } of generate(model, [1], { seed: 4, maxNewTokens: 120 })) ids.push(id);
    const theirs = await llamaLogProbs(llama, path, ids);
    const ours = await ourLogProbs(model, ids);
    const differences = ids.slice(1).map((id, t) => ours[t][id] - theirs[t].get(id)!);
    expect(differences.every((x) => Math.abs(x) < 2e-2)).toBe(true);
    expect(Math.abs(differences.reduce((sum, x) => sum + x, 0) / differences.length)).toBeLessThan(1e-2);
  });

  it('a byte-level BPE vocabulary loads and splits as its merges say', async () => {
    using model = createDecoder({ ...smallFamilies.olmo2, vocabSize: 8 });
    const json = {
      model: { type: 'BPE', vocab: { a: 0, b: 1, c: 2, ab: 3, abc: 4 }, merges: ['a b', ['ab', 'c'] as const] },
      added_tokens: [{ id: 5, content: '<|endoftext|>', special: true }],
    };
    const path = join(folder, 'bpe.gguf');
    writeFileSync(path, writeGguf(model.config, await hostParameters(model), bytePairTokenizerMetadata(json, 8)));
    const loaded = await llama.loadModel({ modelPath: path });
    expect(loaded.tokenize('abcab')).toEqual([4, 3]);
    await loaded.dispose();
  });

  it.runIf(hasSharedData)('words are cut as the official files cut them: dolma2 (dbrx) and gpt2', async () => {
    for (const [name, pre, expected] of official) {
      const json = gunzipSync(readFileSync(sharedPath(`tokenizers/${name}-tokenizer.json.gz`))).toString();
      const vocabSize = name === 'dolma2' ? 100_278 : 50_257;
      using model = createDecoder({ ...smallFamilies.olmo2, vocabSize });
      const metadata = bytePairTokenizerMetadata(json, vocabSize);
      expect(metadata['tokenizer.ggml.pre']).toEqual({ type: 'string', value: pre });
      expect(metadata['tokenizer.ggml.eos_token_id']?.value).toBe(name === 'dolma2' ? 100_257 : 50_256);
      const path = join(folder, `${name}.gguf`);
      writeFileSync(path, writeGguf(model.config, await hostParameters(model), metadata));
      const loaded = await llama.loadModel({ modelPath: path });
      expect(officialTexts.map((text) => loaded.tokenize(text))).toEqual(expected);
      await loaded.dispose();
    }
  });

  const bytePair = (parts: object) => ({
    model: { type: 'BPE', vocab: { '<pad>': 0, '<eos>': 1, a: 2, b: 3 }, merges: [] },
    added_tokens: [
      { id: 0, content: '<pad>', special: true },
      { id: 1, content: '<eos>', special: true },
      { id: 4, content: '<s>', special: true },
    ],
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
    ...parts,
  });
  const special = (id: number) => ({ SpecialToken: { id: `t${id}`, type_id: 0 } });
  const template = (...single: object[]) => ({
    type: 'TemplateProcessing',
    single,
    pair: [],
    special_tokens: { t1: { id: 't1', ids: [1], tokens: ['<eos>'] }, t4: { id: 't4', ids: [4], tokens: ['<s>'] } },
  });
  const text = { Sequence: { id: 'A', type_id: 0 } };

  it.each([
    ['names', {}, { bos: 4, eos: 1, pad: 0, addBos: false, addEos: false }],
    [
      'a template of both',
      { post_processor: template(special(4), text, special(1)) },
      { bos: 4, eos: 1, pad: 0, addBos: true, addEos: true },
    ],
    [
      'a template that ends',
      { post_processor: template(text, special(1)) },
      { bos: 4, eos: 1, pad: 0, addBos: false, addEos: true },
    ],
  ])('start, end and padding come from %s', (_, parts, expected) => {
    const metadata = bytePairTokenizerMetadata(bytePair(parts), 8);
    const value = (key: string) => metadata[`tokenizer.ggml.${key}`]?.value;
    expect({
      bos: value('bos_token_id'),
      eos: value('eos_token_id'),
      pad: value('padding_token_id'),
      addBos: value('add_bos_token'),
      addEos: value('add_eos_token'),
    }).toEqual(expected);
  });

  it.each([
    ['unknown words', { pre_tokenizer: { type: 'Whitespace' } }, 'pre_tokenizer must cut words as gpt-2'],
    ['no words', { pre_tokenizer: null }, 'pre_tokenizer must cut words as gpt-2'],
    [
      'byte fallback',
      { model: { vocab: { a: 0 }, merges: [], byte_fallback: true } },
      'must hold a byte-level BPE model',
    ],
    ['a normalizer', { normalizer: { type: 'Lowercase' } }, 'normalizer must be null or NFC, got "Lowercase"'],
    ['no end', { model: { vocab: { a: 0 }, merges: [] }, added_tokens: [] }, 'must have an end token named'],
  ])('refuses a tokenizer of %s', (_, parts, message) => {
    expect(() => bytePairTokenizerMetadata(bytePair(parts), 8)).toThrow(message);
  });

  it('refuses a MoDA model and a tokenizer with more ids than the model', async () => {
    using model = createDecoder(smallConfigs['moda']);
    const parameters = await hostParameters(model);
    expect(() => writeGguf(model.config, parameters, {})).toThrow(
      'gguf: the model must be a baseline of llama, granite',
    );
    const json = { model: { vocab: { a: 7 }, merges: [] } };
    expect(() => bytePairTokenizerMetadata(json, 7)).toThrow('token ids must be below vocabSize=7, got 7');
  });
});
