import { ConfigError } from '@modajs/tensor';
import type { DecoderConfig } from '../config/decoder-config.ts';
import type { CustomParts } from '../decoder/custom-parts.ts';
import { depthSpecs } from '../depth/decoder-depth.ts';
import { blockSpecs, initStd } from './block-specs.ts';
import { linearSpecs, normSpecs, type ParameterSpecs } from './parameter-spec.ts';

/**
 * Every parameter of a decoder by its Hugging Face (`olmo2`) name, shape and first value: what build, count and load share.
 *
 * @throws ConfigError for two parameters of one name
 */
export function decoderSpecs(config: DecoderConfig, { block, depthPath }: CustomParts = {}): ParameterSpecs {
  const { vocabSize, dModel, seqLen, nLayers } = config;
  const specs: ParameterSpecs = linearSpecs('model.embed_tokens', vocabSize, dModel, initStd, false, 'embedding');
  const join = (more: ParameterSpecs): void => {
    const twice = Object.keys(more).find((name) => Object.hasOwn(specs, name));
    if (twice !== undefined) {
      throw new ConfigError(
        `decoder: a name must be that of one parameter, got ${twice} twice. Put the layer into the name.`,
        { name: twice },
      );
    }
    Object.assign(specs, more);
  };
  const ofBlock = (layer: number) => block?.specs?.(config, layer) ?? blockSpecs(config, layer);
  const ofDepth = (layer: number) => depthPath?.specs?.(config, layer) ?? depthSpecs(config, layer);
  if (config.positions === 'learned') {
    join(linearSpecs('model.embed_positions', seqLen, dModel, initStd, false, 'embedding'));
  }
  for (let layer = 0; layer < nLayers; layer++) {
    join(ofBlock(layer));
    join(ofDepth(layer));
  }
  join(normSpecs('model.norm', dModel, config.normKind));
  join(ofDepth(nLayers));
  if (!config.tieEmbeddings) join(linearSpecs('lm_head', vocabSize, dModel, initStd, false, 'output'));
  return specs;
}
