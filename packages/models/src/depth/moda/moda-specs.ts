import type { BlockConfig } from '../../config/block-config.ts';
import { hasBias, initStd } from '../../parameters/block-specs.ts';
import { linearSpecs, type ParameterSpecs, zeroLinearSpecs } from '../../parameters/parameter-spec.ts';
import type { ModaDepth, ModaOptions } from './moda-depth.ts';
import { hasProjection } from './moda-slots.ts';

/** The extra attention and FFN projections `C -> 2 Hkv D` of block `layer`, keys first (`moda.md` section 2). */
export function projectionSpecs(config: BlockConfig, depth: ModaOptions, layer: number): ParameterSpecs {
  const { nLayers, nKvHeads, headDim, dModel } = config;
  const bias = hasBias(config, 'depth');
  if (layer >= nLayers || !hasProjection(config, depth, layer)) return {};
  const specs: ParameterSpecs = {};
  const width = 2 * nKvHeads * headDim;
  const prefix = `model.layers.${layer}.depth`;
  if (depth.attentionProjection) {
    Object.assign(specs, linearSpecs(`${prefix}.attn_kv_proj`, width, dModel, initStd, bias));
  }
  if (depth.ffnProjection) {
    Object.assign(specs, linearSpecs(`${prefix}.ffn_kv_proj`, width, dModel, initStd, bias));
  }
  return specs;
}

/** Name of the gate of a block that reads depth slots. */
export const depthGateName = (layer: number): string => `model.layers.${layer}.depth.gate`;

/**
 * The projections, and the maps `C -> Hkv` that score slots of a stream bounded by score. Scores start at zero: equal, so that the
 * newest slots are kept. With `gate` a factor for each head of the blocks that read slots, all but the first; zero at the start.
 */
export function modaSpecs(config: BlockConfig, depth: ModaDepth, layer: number): ParameterSpecs {
  const { nLayers, nHeads, nKvHeads, dModel } = config;
  const specs: ParameterSpecs = {};
  if (depth.gate && layer > 0 && layer < nLayers) {
    specs[depthGateName(layer)] = { shape: [nHeads], role: 'scalar', init: { kind: 'constant', value: 0 } };
  }
  Object.assign(specs, projectionSpecs(config, depth, layer));
  if (depth.slotsBy === 'recency' || layer >= nLayers || !hasProjection(config, depth, layer)) return specs;
  const prefix = `model.layers.${layer}.depth`;
  Object.assign(specs, zeroLinearSpecs(`${prefix}.attn_score`, nKvHeads, dModel));
  if (depth.ffnProjection) Object.assign(specs, zeroLinearSpecs(`${prefix}.ffn_score`, nKvHeads, dModel));
  return specs;
}
