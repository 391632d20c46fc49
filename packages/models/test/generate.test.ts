import { ConfigError, DataError, type Device, init, noGrad, tensor, tidy } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDecoder, type Decoder, type GenerateOptions, generate, generateText } from '../src/index.ts';
import { smallConfigs } from './small-configs.ts';

async function collect(model: Decoder, prompts: number[] | number[][], options: GenerateOptions): Promise<number[][]> {
  const rows: number[][] = [];
  for await (const { row, id, index } of generate(model, prompts, options)) {
    rows[row] ??= [];
    expect(rows[row].length).toBe(index);
    rows[row].push(id);
  }
  return rows;
}

/** Greedy decoding by one full forward pass a token. */
async function greedyByForward(model: Decoder, prompt: number[], count: number): Promise<number[]> {
  const ids = [...prompt];
  for (let i = 0; i < count; i++) {
    const logits = await tidy(() => noGrad(() => model.logits(model.forward(tensor([ids], { dtype: 'i32' }))))).data();
    const last = Array.from(logits.slice(-model.config.vocabSize));
    ids.push(last.indexOf(Math.max(...last)));
  }
  return ids.slice(prompt.length);
}

describe('generate [reference]', () => {
  let device: Device;
  let model: Decoder;
  const prompt = [3, 1, 4, 1, 5, 9, 2];
  beforeAll(async () => {
    device = await init({ device: 'reference' });
    model = createDecoder(smallConfigs['moda'], { seed: 11 });
    // Fresh weights predict almost the same everywhere; larger ones make the argmax depend on the context.
    for (const parameter of Object.values(model.parameters())) {
      const values = Float64Array.from(await parameter.data(), (x, i) => x + 0.5 * Math.sin(7 * i));
      device.backend.upload(parameter.storage.raw, parameter.offset, values);
    }
  });
  afterAll(() => device.destroy());

  for (const prefillChunk of [1, 3, 7, 64]) {
    it(`equals greedy decoding by full forward passes [prefill in chunks of ${prefillChunk}]`, async () => {
      const [row] = await collect(model, prompt, { temperature: 0, maxNewTokens: 6, prefillChunk });
      expect(row).toEqual(await greedyByForward(model, prompt, 6));
    });
  }

  it('continues ragged prompts as it does each alone', async () => {
    const prompts = [[7], prompt, [2, 8, 6]];
    const together = await collect(model, prompts, { temperature: 0, maxNewTokens: 5, prefillChunk: 2 });
    for (const [row, alone] of prompts.entries()) {
      expect(together[row]).toEqual((await collect(model, alone, { temperature: 0, maxNewTokens: 5 }))[0]);
    }
  });

  it.each([
    { maxNewTokens: Infinity },
    { maxNewTokens: NaN },
    { maxNewTokens: -1 },
    { maxNewTokens: 2.5 },
    { maxNewTokens: '5' },
    { prefillChunk: 0 },
    { prefillChunk: -3 },
    { prefillChunk: 1.5 },
    { prefillChunk: NaN },
    { seed: NaN },
    { seed: 0.5 },
    { eos: NaN },
    { eos: [1, -1] },
    { temperature: Infinity },
    { temperature: NaN },
    { temperature: '1' },
    { topK: 2.5 },
    { topK: Infinity },
    { topP: 1.5 },
    { topP: NaN },
    { minP: -0.1 },
    { repetitionPenalty: Infinity },
    { repetitionPenalty: NaN },
  ])('refuses %o before anything runs', async (options) => {
    const before = device.memory();
    const [name] = Object.keys(options);
    await expect(collect(model, prompt, options as GenerateOptions)).rejects.toThrow(ConfigError);
    await expect(collect(model, prompt, options as GenerateOptions)).rejects.toThrow(`generate: ${name} must be`);
    expect(device.memory()).toEqual(before);
    expect(await collect(model, prompt, { maxNewTokens: 1, temperature: 0 })).toHaveLength(1);
  });

  it('appends nothing when asked for no token', async () => {
    expect(await collect(model, prompt, { maxNewTokens: 0 })).toEqual([]);
  });

  it('gives the same tokens for the same seed and others for another', async () => {
    const sample = (seed: number) => collect(model, prompt, { seed, maxNewTokens: 12, temperature: 2 });
    expect(await sample(1)).toEqual(await sample(1));
    expect(await sample(1)).not.toEqual(await sample(2));
  });

  it('ends a row at its end token and leaves the others running', async () => {
    const [first] = await collect(model, [prompt], { temperature: 0, maxNewTokens: 5 });
    const rows = await collect(model, [prompt, [7]], { temperature: 0, maxNewTokens: 5, eos: first[1] });
    expect(rows[0]).toEqual(first.slice(0, first.indexOf(first[1]) + 1));
  });

  it('leaves no memory behind', async () => {
    await collect(model, prompt, { maxNewTokens: 3 });
    const before = device.memory().liveBytes;
    await collect(model, prompt, { maxNewTokens: 3 });
    expect(device.memory().liveBytes).toBe(before);
  });

  it('refuses an id outside the vocabulary and an empty prompt', async () => {
    await expect(collect(model, [99], {})).rejects.toThrow(DataError);
    await expect(collect(model, [], {})).rejects.toThrow('at least one id');
  });

  it('generates only ids that the tokenizer knows', async () => {
    const streams: number[][] = [];
    const codec = {
      vocabSize: 3,
      encode: () => [1, 2],
      createDecodeStream: () => {
        const ids: number[] = [];
        streams.push(ids);
        return { push: (id: number) => String(ids[ids.push(id) - 1]), end: () => '' };
      },
    };
    for (const temperature of [0, 5]) {
      for await (const _ of generateText(model, codec, '', { temperature, maxNewTokens: 20 })) {
      }
    }
    // Decoding begins with the ids of the prompt; a second stream sees what the prompt alone gives.
    const texts = streams.filter((ids) => ids.length > 2);
    expect(texts.map((ids) => ids.length)).toEqual([22, 22]);
    for (const ids of streams) expect(ids.slice(0, 2)).toEqual([1, 2]);
    expect(new Set(texts[1].slice(2))).toEqual(new Set([0, 1, 2]));
    expect(Math.max(...texts.flat())).toBeLessThan(3);
  });

  it('streams text and stops before a stop string', async () => {
    const letters = 'abcdefghijklmnopqrs';
    const codec = {
      encode: (text: string) => Array.from(text, (letter) => letters.indexOf(letter)),
      createDecodeStream: () => ({ push: (id: number) => letters[id], end: () => '' }),
    };
    const read = async (stop: string[]): Promise<string> => {
      let text = '';
      for await (const piece of generateText(model, codec, 'dad', { temperature: 0, maxNewTokens: 6, stop }))
        text += piece;
      return text;
    };
    const whole = await read([]);
    expect(whole).toHaveLength(6);
    const stop = whole.slice(2, 4);
    expect(await read([stop])).toBe(whole.slice(0, whole.indexOf(stop)));
  });
});
