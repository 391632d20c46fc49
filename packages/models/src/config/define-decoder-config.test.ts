import { ConfigError } from '@modajs/tensor';
import { describe, expect, it } from 'vitest';
import type { DecoderConfigInput } from './decoder-config.ts';
import { defineDecoderConfig } from './define-decoder-config.ts';

const base: DecoderConfigInput = { nLayers: 2, nHeads: 6, dModel: 24, vocabSize: 11 };

describe('defineDecoderConfig', () => {
  it('fills in OLMo 2 and, for MoDA, FFN projections', () => {
    expect(defineDecoderConfig(base)).toMatchObject({ headDim: 4, nKvHeads: 6, dFf: 96, depthFfnProjection: false });
    expect(defineDecoderConfig({ ...base, depth: 'moda' }).depthFfnProjection).toBe(true);
  });

  const refused: [Record<string, unknown>, string][] = [
    [{ nHead: 3 }, 'Did you mean nHeads?'],
    [{ nHeads: 6, nKvHeads: 4 }, 'Set nKvHeads to 1, 2, 3, 6.'],
    [{ nLayers: 0 }, 'a whole number >= 1'],
    [{ vocabSize: 2 ** 31 }, '< 2^31'],
    [{ nHeads: 2 ** 30, nKvHeads: 3, headDim: 2 }, 'Set nKvHeads to 1, 2, 4, 8, '],
    [{ toString: 1 }, 'every key must be a field'],
    [{ depth: 'mda' }, "one of 'residual'"],
    [{ dModel: 25 }, 'a dModel that nHeads divides'],
    [{ depthChunk: 4 }, "needs depth 'moda-chunk-visible'"],
    [{ depthFfnProjection: true }, 'Set depthFfnProjection to false.'],
    [{ depth: 'hyper-connections', norm: 'post' }, "'pre' or 'reordered'"],
    [{ headDim: 3 }, 'Use an even headDim.'],
  ];
  for (const [change, message] of refused) {
    it(`refuses ${JSON.stringify(change)} and says the cure`, () => {
      const define = () => defineDecoderConfig({ ...base, ...change } as DecoderConfigInput);
      expect(define).toThrow(ConfigError);
      expect(define).toThrow(message);
    });
  }
});
