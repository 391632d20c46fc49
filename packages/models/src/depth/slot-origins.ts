import type { DecoderConfig } from '../config/decoder-config.ts';
import { slotsPerBlock, slotsReadBy } from './moda-slots.ts';

/** Who wrote a depth slot: a block's attention, or the projection of its FFN's input. */
export interface SlotOrigin {
  readonly layer: number;
  readonly part: 'attention' | 'ffn';
}

/**
 * Writers of the slots that block `layer` reads, oldest first: what the columns of an attention map's depth part are.
 * A stream bounded by recency has lost the oldest.
 */
export function slotOrigins(config: DecoderConfig, layer: number): SlotOrigin[] {
  const perBlock = slotsPerBlock(config);
  const read = slotsReadBy(config, layer);
  const first = layer * perBlock - read;
  return Array.from({ length: read }, (_, i) => ({
    layer: Math.floor((first + i) / perBlock),
    part: (first + i) % perBlock === 0 ? 'attention' : 'ffn',
  }));
}
