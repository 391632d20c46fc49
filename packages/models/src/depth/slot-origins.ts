import type { DecoderConfig } from '../config/decoder-config.ts';
import { attentionSlots, depthSlots } from './decoder-depth.ts';

/** Who wrote a depth slot: a block's attention, or the projection of its FFN's input. */
export interface SlotOrigin {
  readonly layer: number;
  readonly part: 'attention' | 'ffn';
}

/**
 * Writers of the slots that block `layer` reads, oldest first: what the columns of an attention map's depth part are.
 * A stream bounded by recency has lost the oldest. Where slots are kept by score each position and head keeps its own, and
 * the writer is null; the newest that are kept whatever their score follow.
 */
export function slotOrigins(config: DecoderConfig, layer: number): (SlotOrigin | null)[] {
  const { perBlock, readBy } = depthSlots(config);
  const written = layer * perBlock;
  const read = readBy(layer);
  const scored = attentionSlots(config)?.scored ?? null;
  const known = scored === null ? read : Math.min(read, scored.recent);
  return Array.from({ length: read }, (_, i) => {
    const slot = written - read + i;
    if (i < read - known) return null;
    return { layer: Math.floor(slot / perBlock), part: slot % perBlock === 0 ? 'attention' : 'ffn' };
  });
}
