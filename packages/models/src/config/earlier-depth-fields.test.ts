import { ConfigError } from '@modajs/tensor';
import { describe, expect, it } from 'vitest';
import type { DecoderConfigInput } from './decoder-config.ts';
import { defineDecoderConfig } from './define-decoder-config.ts';
import { nestDepth } from './earlier-depth-fields.ts';

const base: DecoderConfigInput = { nLayers: 2, nHeads: 2, dModel: 16, vocabSize: 11 };
/** All options as a complete configuration of commit 31f378c holds them for a mechanism that uses none. */
const idle = {
  depthFfnProjection: false,
  depthAttentionProjection: false,
  depthLastProjection: false,
  depthKeyNorm: 'writer',
  depthRope: 'shared',
  depthGate: false,
  depthChunk: 1,
  depthSlots: null,
  depthSlotsBy: 'recency',
  hyperStreams: 4,
  residualBlock: 2,
} as const;

describe('depth options in their earlier, flat form', () => {
  const pairs: [DecoderConfigInput['depth'], Record<string, unknown>][] = [
    ['residual', { depth: 'residual', ...idle }],
    ['mudd', { depth: 'mudd', ...idle }],
    ['moda', { depth: 'moda', ...idle, depthFfnProjection: true }],
    [
      { kind: 'moda', gate: true },
      { depth: 'moda', depthGate: true },
    ],
    [
      { kind: 'moda', ffnProjection: false },
      { depth: 'moda', depthFfnProjection: false },
    ],
    [
      { kind: 'moda', keyNorm: 'reader', rope: 'none', slots: 3, slotsBy: 'both' },
      { depth: 'moda', depthKeyNorm: 'reader', depthRope: 'none', depthSlots: 3, depthSlotsBy: 'both' },
    ],
    [
      { kind: 'moda', attentionProjection: true, lastProjection: true },
      { depth: 'moda', depthAttentionProjection: true, depthLastProjection: true },
    ],
    [
      { kind: 'moda-chunk-visible', chunk: 4 },
      { depth: 'moda-chunk-visible', depthChunk: 4, depthSlots: null },
    ],
    [
      { kind: 'hyper-connections', streams: 3 },
      { depth: 'hyper-connections', ...idle, hyperStreams: 3 },
    ],
    [
      { kind: 'attention-residual-block', blocks: 5 },
      { depth: 'attention-residual-block', residualBlock: 5 },
    ],
    [
      { kind: 'moda', slots: 2 },
      { depth: { kind: 'moda', slots: 9 }, depthSlots: 2 },
    ],
    ['residual', { depthKeyNorm: 'reader', hyperStreams: 9 }],
  ];
  for (const [today, earlier] of pairs) {
    it(`mean what they meant: ${JSON.stringify(earlier)}`, () => {
      expect(defineDecoderConfig({ ...base, ...earlier } as DecoderConfigInput)).toEqual(
        defineDecoderConfig({ ...base, depth: today }),
      );
    });
  }

  const refused: [Record<string, unknown>, string][] = [
    [
      { depth: 'residual', depthLastProjection: true },
      "depthLastProjection needs depth 'moda' or 'moda-chunk-visible'",
    ],
    [{ depth: 'moda-chunk-visible', depthGate: true }, 'Set depthGate to false.'],
    [{ depth: 'moda', depthChunk: 3 }, 'Set depthChunk to 1.'],
    [{ depth: 'moda-chunk-visible', depthSlots: 3 }, "depthSlots needs depth 'moda'"],
    [{ depth: 'mudd', depthSlotsBy: 'score' }, 'Set depthSlotsBy to'],
    [{ depth: 'residual', hyperStreams: 0 }, 'hyperStreams must be a whole number >= 1'],
    [{ depth: 'residual', depthKeyNorm: 'writers' }, "depthKeyNorm must be one of 'none'"],
    [{ depth: 'moda', depthSlots: -1 }, 'depth.slots must be'],
    [{ depth: 'nothing', depthSlots: 1 }, "must be one of 'residual'"],
    [{ depthTwist: 1 }, "every key must be a field of DecoderConfig, got 'depthTwist'"],
  ];
  for (const [change, message] of refused) {
    it(`refuses ${JSON.stringify(change)}`, () => {
      const define = () => defineDecoderConfig({ ...base, ...change } as DecoderConfigInput);
      expect(define).toThrow(ConfigError);
      expect(define).toThrow(message);
    });
  }

  it("lets other fields be, and today's form", () => {
    const fields = { nLayers: 3, depth: { kind: 'moda', slots: 3 }, depthTwist: 1 };
    expect(nestDepth(fields)).toEqual(fields);
    expect(nestDepth({ nLayers: 3 })).toEqual({ nLayers: 3 });
  });
});
