import type { DecoderConfig } from './decoder-config.ts';

/**
 * Whether `onAttention` may watch a model's forward pass: each head is one softmax over sequence and depth slots. Capped logits and
 * gated depth slots are not, and are refused.
 */
export function hasAttentionMaps({ attentionSoftcap, depthGate }: DecoderConfig): boolean {
  return attentionSoftcap === null && !depthGate;
}
