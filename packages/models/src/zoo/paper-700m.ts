import type { DecoderConfig, DecoderConfigInput } from '../config/decoder-config.ts';
import { defineDecoderConfig } from '../config/define-decoder-config.ts';

/** What Table 3's models share: OLMo 2 blocks, 1024 wide, 16 query and 8 key/value heads, post-norm as in the best rows. */
const family: DecoderConfigInput = {
  nLayers: 36,
  nHeads: 16,
  nKvHeads: 8,
  headDim: 64,
  dModel: 1024,
  dFf: 4096,
  vocabSize: 100_278,
  seqLen: 4096,
  norm: 'post',
};

/** Table 3, row 1: 36 blocks of OLMo 2, 669,045,760 parameters. */
export const olmo2_700m_36: DecoderConfig = defineDecoderConfig(family);

/** Table 3, row 2: 38 blocks of OLMo 2, 700,510,208 parameters. */
export const olmo2_700m: DecoderConfig = defineDecoderConfig({ ...family, nLayers: 38 });

/** Table 3, row 3: attention slots only, no parameters added. */
export const moda_700m_depth_kv: DecoderConfig = defineDecoderConfig({
  ...family,
  depth: { kind: 'moda', ffnProjection: false },
});

/** Table 3, row 4, the default MoDA: + 35 FFN projections, 705,745,920 parameters. */
export const moda_700m: DecoderConfig = defineDecoderConfig({ ...family, depth: 'moda' });

/** Table 3, row 5: + 35 attention projections, 742,446,080 parameters. */
export const moda_700m_attention_kv: DecoderConfig = defineDecoderConfig({
  ...family,
  depth: { kind: 'moda', attentionProjection: true },
});
