import { attentionSlots, visibleChunk } from '../depth/decoder-depth.ts';
import type { DecoderConfig } from './decoder-config.ts';

/**
 * Whether `onAttention` may watch a model's forward pass: each head is one softmax over sequence and depth slots. Gated depth slots
 * are not, and are refused; so are chunk-visible slots under a cap on the logits, whose entropy would take O(T^2) memory.
 */
export function hasAttentionMaps(config: DecoderConfig): boolean {
  if (config.attentionSoftcap !== null && visibleChunk(config) > 1) return false;
  return !attentionSlots(config)?.isGated;
}
