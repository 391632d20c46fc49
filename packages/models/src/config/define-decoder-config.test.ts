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
    [{ rotaryDim: 6 }, 'Set rotaryDim to an even number of at most 4.'],
    [{ window: 3, localLayers: [] }, 'window and localLayers must be given together'],
    [{ window: 3, localLayers: [2] }, 'localLayers must be below nLayers'],
    [{ nopeLayers: [0, 0] }, 'each once'],
    [{ ropeScaling: { kind: 'linear' } }, "an object of kind 'linear'"],
    [{ ropeScaling: { kind: 'linear', factor: 2, more: 1 } }, "an object of kind 'linear'"],
    [{ ropeScaling: { kind: 'linear', factor: 2 }, positions: 'learned' }, 'ropeScaling needs rotary positions'],
    [{ localRopeTheta: 10 }, 'localRopeTheta needs local layers'],
    [{ biasMaps: 'qkv' }, 'Set bias to true.'],
    [{ parallelBlocks: true }, "Set norm to 'pre'."],
    [{ parallelBlocks: true, norm: 'pre', depth: 'mudd' }, 'Set parallelBlocks to false.'],
    [{ attentionSoftcap: 5, depth: 'moda' }, 'attentionSoftcap needs attention without depth slots'],
    [{ nopeLayers: [1], depth: 'moda' }, "Set depthRope to 'none'."],
    [{ nopeLayers: [1], depth: 'depth-value-mix' }, "Set depth to 'value-residual'."],
  ];
  for (const [change, message] of refused) {
    it(`refuses ${JSON.stringify(change)} and says the cure`, () => {
      const define = () => defineDecoderConfig({ ...base, ...change } as DecoderConfigInput);
      expect(define).toThrow(ConfigError);
      expect(define).toThrow(message);
    });
  }
});
