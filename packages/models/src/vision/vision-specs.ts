import { initStd } from '../parameters/block-specs.ts';
import { linearSpecs, normSpecs, type ParameterSpecs } from '../parameters/parameter-spec.ts';
import type { VisionConfig } from './vision-config.ts';

/** Positions of the sequence: the class token and the patches. */
export function visionPositions({ imageSize, patchSize }: VisionConfig): number {
  return (imageSize / patchSize) ** 2 + 1;
}

/** Every parameter of a vision model, by timm's names but for q, k and v, which are maps of their own. */
export function visionSpecs(config: VisionConfig): ParameterSpecs {
  const { channels, patchSize, nClasses, nLayers, nHeads, nKvHeads, dModel, dFf, depth } = config;
  const D = dModel / nHeads;
  const specs: ParameterSpecs = {
    cls_token: { shape: [1, 1, dModel], role: 'embedding', init: { kind: 'normal', std: initStd } },
    pos_embed: {
      shape: [1, visionPositions(config), dModel],
      role: 'embedding',
      init: { kind: 'normal', std: initStd },
    },
    ...linearSpecs('patch_embed.proj', dModel, channels * patchSize ** 2, initStd, true, 'embedding'),
  };
  for (let layer = 0; layer < nLayers; layer++) {
    const block = `blocks.${layer}`;
    const add = (name: string, outputs: number, inputs: number): void => {
      Object.assign(specs, linearSpecs(`${block}.${name}`, outputs, inputs, initStd, true));
    };
    Object.assign(specs, normSpecs(`${block}.norm1`, dModel, 'layer'));
    add('attn.q', dModel, dModel);
    add('attn.k', nKvHeads * D, dModel);
    add('attn.v', nKvHeads * D, dModel);
    add('attn.proj', dModel, dModel);
    Object.assign(specs, normSpecs(`${block}.norm2`, dModel, 'layer'));
    add('mlp.fc1', dFf, dModel);
    add('mlp.fc2', dModel, dFf);
    // The last block's slots are read by nobody.
    if (depth === 'moda' && layer < nLayers - 1) add('depth.ffn_kv_proj', 2 * nKvHeads * D, dModel);
  }
  return {
    ...specs,
    ...normSpecs('norm', dModel, 'layer'),
    ...linearSpecs('head', nClasses, dModel, initStd, true, 'output'),
  };
}
