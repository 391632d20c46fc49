import { attentionSlots } from '../depth/decoder-depth.ts';
import type { DecoderConfig } from './decoder-config.ts';

/**
 * Whether `onAttention` may watch a model's forward pass: each head is one softmax over sequence and depth slots. Capped logits and
 * gated depth slots are not, and are refused.
 */
export function hasAttentionMaps(config: DecoderConfig): boolean {
  return config.attentionSoftcap === null && !attentionSlots(config)?.isGated;
}
