import { init } from '@modajs/tensor';
import { expect, it } from 'vitest';
import { defineDecoderConfig } from '../config/define-decoder-config.ts';
import { createDecoder } from '../decoder/decoder.ts';
import { generateText } from './generate-text.ts';

it('generateText > what a decode stream holds back of the prompt does not come again [cpu]', async () => {
  const device = await init({ device: 'cpu', threads: 1 });
  const config = defineDecoderConfig({ nLayers: 1, nHeads: 1, dModel: 8, dFf: 16, vocabSize: 5, seqLen: 16 });
  using decoder = createDecoder(config, { device, seed: 3 });
  /** One token late, as a stream of bytes is. */
  const late = () => {
    let held = '';
    const after = (text: string): string => {
      const out = held;
      held = text;
      return out;
    };
    return { push: (id: number) => after(`<${id}>`), end: () => after('') };
  };
  const codec = { vocabSize: 5, encode: () => [4, 3, 2], createDecodeStream: late };
  let text = '';
  for await (const piece of generateText(decoder, codec, 'p', { maxNewTokens: 4, temperature: 0 })) text += piece;
  expect(text).toMatch(/^(<\d>){4}$/);
  device.destroy();
});
