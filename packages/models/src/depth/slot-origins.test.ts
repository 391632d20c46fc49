import { expect, test } from 'vitest';
import { defineDecoderConfig } from '../config/define-decoder-config.ts';
import { slotOrigins } from './slot-origins.ts';

const base = { nLayers: 5, nHeads: 2, dModel: 8, vocabSize: 11, depth: 'moda' } as const;

test('slotOrigins > two slots a block with FFN projections, one without, none for an ordinary transformer', () => {
  expect(slotOrigins(defineDecoderConfig(base), 2)).toEqual([
    { layer: 0, part: 'attention' },
    { layer: 0, part: 'ffn' },
    { layer: 1, part: 'attention' },
    { layer: 1, part: 'ffn' },
  ]);
  const withoutFfn = defineDecoderConfig({ ...base, depth: { kind: 'moda', ffnProjection: false } });
  expect(slotOrigins(withoutFfn, 2)).toEqual([
    { layer: 0, part: 'attention' },
    { layer: 1, part: 'attention' },
  ]);
  expect(slotOrigins(defineDecoderConfig({ ...base, depth: 'residual' }), 4)).toEqual([]);
  expect(slotOrigins(defineDecoderConfig(base), 0)).toEqual([]);
});

test('slotOrigins > a bounded stream keeps the newest', () => {
  expect(slotOrigins(defineDecoderConfig({ ...base, depth: { kind: 'moda', slots: 3 } }), 4)).toEqual([
    { layer: 2, part: 'ffn' },
    { layer: 3, part: 'attention' },
    { layer: 3, part: 'ffn' },
  ]);
});

test('slotOrigins > slots kept by score have no one writer; the newest half has', () => {
  const byScore = defineDecoderConfig({ ...base, depth: { kind: 'moda', slots: 3, slotsBy: 'score' } });
  expect(slotOrigins(byScore, 4)).toEqual([null, null, null]);
  const both = defineDecoderConfig({ ...base, depth: { kind: 'moda', slots: 3, slotsBy: 'both' } });
  expect(slotOrigins(both, 4)).toEqual([null, { layer: 3, part: 'attention' }, { layer: 3, part: 'ffn' }]);
  expect(slotOrigins(both, 1)).toEqual([
    { layer: 0, part: 'attention' },
    { layer: 0, part: 'ffn' },
  ]);
});
