import { type Decoder, hasAttentionMaps, readsSlots } from '@modajs/models';
import { attentionByLayer } from './attention-by-layer.ts';

/**
 * Where a MoDA model's attention goes on some text, for the metrics of an evaluation: `depthMass/<layer>`, the share of the
 * softmax on depth slots, and `sinkMass/<layer>`, the share on the first position; means over positions and heads.
 * Empty for models without depth slots, or with gated ones.
 *
 * @param tokens one row; its length is the T of the pass
 */
export async function depthStatistics(decoder: Decoder, tokens: Int32Array): Promise<Record<string, number>> {
  if (!readsSlots(decoder.config) || !hasAttentionMaps(decoder.config)) return {};
  const { depthMass, sinkMass } = await attentionByLayer(decoder, tokens);
  const numbers: Record<string, number> = {};
  for (const [layer, share] of sinkMass.entries()) {
    if (layer > 0) numbers[`depthMass/${layer}`] = depthMass[layer];
    numbers[`sinkMass/${layer}`] = share;
  }
  return numbers;
}
