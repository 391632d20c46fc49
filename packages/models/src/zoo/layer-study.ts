import type { NormPlacement } from '../config/block-config.ts';
import type { DecoderConfig, DecoderConfigInput } from '../config/decoder-config.ts';
import { defineDecoderConfig } from '../config/define-decoder-config.ts';

const family: Omit<DecoderConfigInput, 'nLayers'> = {
  nHeads: 6,
  nKvHeads: 2,
  headDim: 64,
  dModel: 384,
  dFf: 1536,
  vocabSize: 50_304,
  seqLen: 512,
  qkNorm: 'none',
  bias: true,
};

const variants = {
  olmo2: {},
  'moda-depth-kv': { depth: { kind: 'moda', ffnProjection: false } },
  // Here every block has an FFN projection, the last included, as the printed counts say.
  moda: { depth: { kind: 'moda', lastProjection: true } },
} as const satisfies Record<string, Partial<DecoderConfigInput>>;

/**
 * The models of Table 6 by name, `layers-{24,48}-{pre,post}-{olmo2,moda-depth-kv,moda}`: width 384, 6 query and 2
 * key/value heads, biases, no QK-norm.
 */
export const layerStudy: Readonly<Record<string, DecoderConfig>> = Object.fromEntries(
  [24, 48].flatMap((nLayers) =>
    (['pre', 'post'] as const satisfies readonly NormPlacement[]).flatMap((norm) =>
      Object.entries(variants).map(([name, variant]) => [
        `layers-${nLayers}-${norm}-${name}`,
        defineDecoderConfig({ ...family, nLayers, norm, ...variant }),
      ]),
    ),
  ),
);
