import type { DecoderConfig } from '../config/decoder-config.ts';

/** Slots that one block writes: one for the attention, one more with the FFN projection; 0 without depth slots. */
export function slotsPerBlock(config: DecoderConfig): number {
  if (config.depth === 'depth-attention') return 1;
  if (config.depth !== 'moda' && config.depth !== 'moda-chunk-visible') return 0;
  return config.depthFfnProjection ? 2 : 1;
}

/** Slots that all blocks before `layer` wrote, of which a bounded stream keeps `depthSlots`. */
export function slotsReadBy(config: DecoderConfig, layer: number): number {
  const written = layer * slotsPerBlock(config);
  return config.depthSlots === null ? written : Math.min(written, config.depthSlots);
}

/** Whether slots have learned scores. */
export function hasSlotScores({ depth, depthSlotsBy }: DecoderConfig): boolean {
  return depth === 'moda' && depthSlotsBy !== 'recency';
}

/** Whether block `layer` has depth projections: the last block's slots are read by nobody. */
export function hasDepthProjection(config: DecoderConfig, layer: number): boolean {
  return layer < config.nLayers - 1 || config.depthLastProjection;
}
