import type { DecoderConfig } from '../config/decoder-config.ts';
import { hasBias, initStd } from '../parameters/block-specs.ts';
import { linearSpecs, type ParameterSpecs, zeroLinearSpecs } from '../parameters/parameter-spec.ts';
import { hasDepthProjection, hasSlotScores } from './moda-slots.ts';

/** Name of the gate of a block that reads depth slots. */
export const depthGateName = (layer: number): string => `model.layers.${layer}.depth.gate`;

/**
 * The extra attention and FFN projections `C -> 2 Hkv D`, keys first (`moda.md` section 2), and the maps `C -> Hkv` that score
 * slots of a stream bounded by score. Scores start at zero: equal, so that the newest slots are kept. With `depthGate` a factor for
 * each head of the blocks that read slots, all but the first; zero at the start.
 */
export function modaSpecs(config: DecoderConfig, layer: number): ParameterSpecs {
  const { nLayers, nKvHeads, headDim, dModel } = config;
  const bias = hasBias(config, 'depth');
  const specs: ParameterSpecs = {};
  if (config.depthGate && layer > 0 && layer < nLayers) {
    specs[depthGateName(layer)] = { shape: [config.nHeads], role: 'scalar', init: { kind: 'constant', value: 0 } };
  }
  if (layer >= nLayers || !hasDepthProjection(config, layer)) return specs;
  const width = 2 * nKvHeads * headDim;
  const prefix = `model.layers.${layer}.depth`;
  if (config.depthAttentionProjection) {
    Object.assign(specs, linearSpecs(`${prefix}.attn_kv_proj`, width, dModel, initStd, bias));
  }
  if (config.depthFfnProjection) {
    Object.assign(specs, linearSpecs(`${prefix}.ffn_kv_proj`, width, dModel, initStd, bias));
  }
  if (hasSlotScores(config)) {
    Object.assign(specs, zeroLinearSpecs(`${prefix}.attn_score`, nKvHeads, dModel));
    if (config.depthFfnProjection) Object.assign(specs, zeroLinearSpecs(`${prefix}.ffn_score`, nKvHeads, dModel));
  }
  return specs;
}
