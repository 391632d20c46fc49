import { type Device, init, packedZeros, type Tensor } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addBlocks, BLOCK, type BlockCoding, blocksOf, encodeBlocks, wordsOfBlock } from './block-codec.ts';
import { decodeOnDevice, encodeOnDevice } from './device-codec.ts';

const LENGTH = 3 * BLOCK + 7;
const values = Float32Array.from({ length: LENGTH }, (_, i) =>
  i >= BLOCK && i < 2 * BLOCK ? 0 : Math.sin(7 * i) * 10 ** ((i % 11) - 6),
);

describe('gradients in blocks on the device', () => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'webgpu' });
  });
  afterAll(() => device.destroy());

  const onDevice = (data: Float32Array | Uint32Array, dtype: 'f32' | 'u32'): Tensor => {
    const [memory] = packedZeros(device, [[data.length]], dtype);
    device.backend.upload(memory.view.storage, memory.view.offset, data);
    return memory;
  };

  async function encoded(
    coding: BlockCoding,
    given: Float32Array,
  ): Promise<{ words: Uint32Array; left: Float32Array }> {
    using gradient = onDevice(given, 'f32');
    using words = onDevice(new Uint32Array(wordsOfBlock(coding) * blocksOf(given.length)).fill(7), 'u32');
    encodeOnDevice(device.backend, coding, gradient.view, words.view);
    return { words: (await words.data()) as Uint32Array, left: (await gradient.data()) as Float32Array };
  }

  it.each(['f16', 'int8'] as const)(
    '%s: values, and what is left out, are those of the host [webgpu]',
    async (coding) => {
      const { words, left } = await encoded(coding, values);
      const decoded = new Float32Array(LENGTH);
      addBlocks(coding, words, decoded);
      const expected = new Float32Array(LENGTH);
      const expectedWords = new Uint32Array(words.length);
      encodeBlocks(coding, values.slice(), expectedWords);
      addBlocks(coding, expectedWords, expected);
      // Where rounding differs there are two neighbours: how WebGPU rounds halves is its own affair.
      const step = (i: number): number => (coding === 'f16' ? Math.abs(values[i]) * 2 ** -10 + 1e-7 : 1e4 / 126.9);
      for (const [i, value] of decoded.entries()) {
        expect(Math.abs(value - expected[i])).toBeLessThanOrEqual(step(i));
        expect(Math.abs(value - values[i])).toBeLessThanOrEqual(coding === 'f16' ? step(i) : step(i) / 1.99);
        if (coding === 'int8') expect(Math.abs(value + left[i] - values[i])).toBeLessThanOrEqual(1e-3);
      }
    },
  );

  it.each(['f16', 'int8'] as const)('%s: blocks decode to the same bits as on the host [webgpu]', async (coding) => {
    const words = new Uint32Array(wordsOfBlock(coding) * blocksOf(LENGTH));
    encodeBlocks(coding, values.slice(), words);
    const expected = new Float32Array(LENGTH);
    addBlocks(coding, words, expected);
    using blocks = onDevice(words, 'u32');
    using gradient = onDevice(new Float32Array(LENGTH).fill(5), 'f32');
    decodeOnDevice(device.backend, coding, blocks.view, gradient.view);
    expect(await gradient.data()).toEqual(expected);
  });

  it.each(['f16', 'int8'] as const)('%s: a value that is not finite makes its block NaN [webgpu]', async (coding) => {
    for (const bad of [Number.NaN, Number.NEGATIVE_INFINITY]) {
      const { words, left } = await encoded(coding, values.with(2 * BLOCK + 5, bad));
      const decoded = new Float32Array(LENGTH);
      addBlocks(coding, words, decoded);
      expect([...decoded].map(Number.isNaN)).toEqual([...values.keys()].map((i) => Math.floor(i / BLOCK) === 2));
      if (coding === 'int8') expect([...left.subarray(2 * BLOCK, 3 * BLOCK)]).toEqual(new Array(BLOCK).fill(0));
    }
  });
});
