import { unknownName } from '@modajs/tensor';
import type { DecoderConfig } from '../config/decoder-config.ts';

/** Slots that one block writes: one for the attention, one more with the FFN projection; 0 without depth slots. */
export function slotsPerBlock(config: DecoderConfig): number {
  switch (config.depth) {
    case 'depth-attention':
      return 1;
    case 'moda':
    case 'moda-chunk-visible':
      return config.depthFfnProjection ? 2 : 1;
    case 'residual':
    case 'dense':
    case 'denseformer':
    case 'value-residual':
    case 'depth-value-mix':
    case 'attention-residual':
    case 'attention-residual-block':
    case 'hyper-connections':
    case 'manifold-hyper-connections':
    case 'mudd':
      return 0;
    default:
      return unknownName('depth mechanism', config.depth);
  }
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
