import { ConfigError } from '@modajs/tensor';
import { describe, expect, it } from 'vitest';
import type { DecoderConfigInput } from './decoder-config.ts';
import { defineDecoderConfig } from './define-decoder-config.ts';

const base: DecoderConfigInput = { nLayers: 2, nHeads: 6, dModel: 24, vocabSize: 11 };

describe('defineDecoderConfig', () => {
  it('fills in OLMo 2 and, for MoDA, FFN projections', () => {
    expect(defineDecoderConfig(base)).toMatchObject({ headDim: 4, nKvHeads: 6, dFf: 96, depth: { kind: 'residual' } });
    const moda = {
      kind: 'moda',
      ffnProjection: true,
      attentionProjection: false,
      lastProjection: false,
      keyNorm: 'writer',
      rope: 'shared',
      gate: false,
      slots: null,
      slotsBy: 'recency',
    };
    expect(defineDecoderConfig({ ...base, depth: 'moda' }).depth).toEqual(moda);
    expect(defineDecoderConfig({ ...base, depth: { kind: 'moda', slots: 3 } }).depth).toEqual({ ...moda, slots: 3 });
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
    [{ depth: null }, "Its name is one of 'residual'"],
    [{ depth: ['moda'] }, "Its name is one of 'residual'"],
    [{ depth: { slots: 3 } }, 'depth.kind must be one of'],
    [{ depth: { kind: 'toString' } }, 'depth.kind must be one of'],
    [{ depth: { kind: 'moda-chunk-visibel' } }, "Did you mean 'moda-chunk-visible'?"],
    [{ depth: { kind: 'moda', slot: 3 } }, 'Did you mean slots?'],
    [{ depth: { kind: 'moda', toString: 3 } }, "must be an option of 'moda', got 'toString'"],
    [{ depth: { kind: 'residual', slots: 3 } }, "must be an option of 'residual', got 'slots'. It has none."],
    [{ depth: { kind: 'moda', chunk: 3 } }, "must be an option of 'moda', got 'chunk'. Its options: ffnProjection"],
    [{ depth: { kind: 'moda', slots: 0 } }, 'depth.slots must be a whole number >= 1'],
    [{ depth: { kind: 'moda', slotsBy: 'score' } }, 'Set depth.slots to how many to keep.'],
    [{ depth: { kind: 'moda-chunk-visible', keyNorm: 'reader' } }, "Set depth.keyNorm to 'writer' or 'none'."],
    [{ depth: { kind: 'hyper-connections', streams: 2.5 } }, 'depth.streams must be a whole number >= 1'],
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
    [{ nopeLayers: [1], depth: 'moda' }, "Set depth.rope to 'none'."],
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
