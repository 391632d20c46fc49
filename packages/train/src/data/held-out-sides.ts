/** Hashes of documents are integers below this. */
const HASH_RANGE = 2 ** 32;

/**
 * Which documents of a source are held out: those whose hash lies in the lowest `share` of the range, 1 for held out. A
 * document falls on the same side wherever it stands, a larger share holds out the documents of a smaller one too, and copies of
 * a document stay together. Of a small source where that leaves one side empty, the document of the lowest hash alone is held
 * out, or that of the highest alone trained on. Nothing is held out at share 0, or where all documents are the same.
 *
 * @param hashes 32-bit hash of each document, such as `documentHash` of `@modajs/tokenizer`
 */
export function heldOutSides(hashes: ArrayLike<number>, share: number): Uint8Array {
  const sides = new Uint8Array(hashes.length);
  if (share === 0 || hashes.length === 0) return sides;
  let [lowest, highest] = [HASH_RANGE, 0];
  for (let i = 0; i < hashes.length; i++) {
    lowest = Math.min(lowest, hashes[i]);
    highest = Math.max(highest, hashes[i]);
  }
  if (lowest === highest) return sides;
  const limit = Math.min(highest, Math.max(lowest + 1, share * HASH_RANGE));
  for (let i = 0; i < hashes.length; i++) sides[i] = hashes[i] < limit ? 1 : 0;
  return sides;
}
