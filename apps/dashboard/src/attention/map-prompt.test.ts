import { createDecoder, type DecoderConfigInput, defineDecoderConfig } from '@modajs/models';
import { type Device, init } from '@modajs/tensor';
import { trainBpe } from '@modajs/tokenizer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_TOKENS, mapPrompt } from './map-prompt.ts';

const tokenizer = trainBpe(['the whale sees the ship'], { vocabSize: 260 });
const base = {
  nLayers: 4,
  nHeads: 3,
  nKvHeads: 1,
  headDim: 4,
  dModel: 12,
  vocabSize: tokenizer.vocabSize,
  depth: 'moda',
} as const;

let device: Device;
beforeAll(async () => {
  device = await init({ device: 'cpu', threads: 1 });
});
afterAll(() => device.destroy());

const map = async (more: Partial<DecoderConfigInput>, prompt: string) => {
  using decoder = createDecoder(defineDecoderConfig({ ...base, ...more }), { device, seed: 2 });
  return await mapPrompt(decoder, tokenizer, prompt);
};

describe('mapPrompt [cpu]', () => {
  it.each([
    ['moda', {}, [0, 2, 4, 6]],
    ['a stream bounded by recency', { depthSlots: 3 }, [0, 2, 3, 3]],
    ['a stream bounded by score', { depthSlots: 3, depthSlotsBy: 'both' }, [0, 2, 3, 3]],
    ['an ordinary transformer', { depth: 'residual' }, [0, 0, 0, 0]],
  ] as const)('gives rows that sum to 1, and a writer for each slot: %s', async (_, more, slots) => {
    const { tokens, layers } = await map(more, 'the ship');
    const T = tokens.length;
    expect(layers.map((layer) => layer.slots.length)).toEqual(slots);
    layers.forEach(({ sequence, depth }, layer) => {
      const S = slots[layer];
      for (let row = 0; row < base.nHeads * T; row++) {
        const weights = [...sequence.subarray(row * T, (row + 1) * T), ...depth.subarray(row * S, (row + 1) * S)];
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
      }
    });
  });

  it('draws the first tokens of a long prompt, refuses an empty one and a depth part without columns', async () => {
    const { tokens, tokensLeftOut } = await map({}, 'xyz'.repeat(30));
    expect([tokens.length, tokensLeftOut]).toEqual([MAX_TOKENS, 90 - MAX_TOKENS]);
    await expect(map({}, '')).rejects.toThrow('the prompt must have at least one token');
    const chunked = { depth: 'moda-chunk-visible', depthChunk: 4 } as const;
    await expect(map(chunked, 'the ship')).rejects.toThrow("depth keys must belong to the query's own position");
  });
});
