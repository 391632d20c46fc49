import type { DecoderConfig } from '../config/decoder-config.ts';
import { depthSpecs } from '../depth/decoder-depth.ts';
import { blockSpecs, initStd } from './block-specs.ts';
import { linearSpecs, normSpecs, type ParameterSpecs } from './parameter-spec.ts';

/** Every parameter of a decoder by its Hugging Face (`olmo2`) name, shape and first value: what build, count and load share. */
export function decoderSpecs(config: DecoderConfig): ParameterSpecs {
  const { vocabSize, dModel, seqLen, nLayers } = config;
  const specs: ParameterSpecs = linearSpecs('model.embed_tokens', vocabSize, dModel, initStd, false, 'embedding');
  if (config.positions === 'learned') {
    Object.assign(specs, linearSpecs('model.embed_positions', seqLen, dModel, initStd, false, 'embedding'));
  }
  for (let layer = 0; layer < nLayers; layer++) {
    Object.assign(specs, blockSpecs(config, layer), depthSpecs(config, layer));
  }
  Object.assign(specs, normSpecs('model.norm', dModel, config.normKind), depthSpecs(config, nLayers));
  if (!config.tieEmbeddings) Object.assign(specs, linearSpecs('lm_head', vocabSize, dModel, initStd, false, 'output'));
  return specs;
}
