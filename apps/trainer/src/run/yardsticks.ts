import { type SplitSource, wittenBellBitsPerByte } from '@modajs/train';

/** Beyond so much text, contexts of four bytes take a gigabyte and more to count: the models end at three. */
const MAX_ORDER_4_BYTES = 8 << 20;
/** Beyond so much, counting takes minutes. */
const MAX_TRAIN_BYTES = 256 << 20;

const encoder = new TextEncoder();

/**
 * Bits per byte of Witten-Bell byte models on the same split, order 0 to 4 (3 for more than 8 MiB of text); order 2 is the
 * trigram model. Empty when there is too much or no text.
 */
export function yardsticks(sources: readonly SplitSource[]): number[] {
  const trainBytes = sources.reduce((sum, { split }) => sum + split.trainBytes, 0);
  const heldOutBytes = sources.reduce((sum, { split }) => sum + split.heldOutBytes, 0);
  if (heldOutBytes === 0 || trainBytes > MAX_TRAIN_BYTES) return [];
  const maxOrder = trainBytes > MAX_ORDER_4_BYTES ? 3 : 4;
  const train = encoder.encode(sources.flatMap(({ split }) => split.train).join('\n\n'));
  const heldOut = encoder.encode(sources.flatMap(({ split }) => split.heldOut).join('\n\n'));
  return wittenBellBitsPerByte(train, heldOut, maxOrder);
}
