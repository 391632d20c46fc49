import { heldOutSides } from './held-out-sides.ts';

/** Documents on both sides of the cut. */
export interface TextSplit {
  readonly train: readonly string[];
  readonly heldOut: readonly string[];
  readonly trainBytes: number;
  readonly heldOutBytes: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Cuts documents so that the last `share` of their UTF-8 bytes is held out. The cut falls at byte
 * `floor((1 - share) * total)`, moved back to the start of a character; the document it falls into is cut in two.
 * A share of 0 holds nothing out.
 */
export function splitText(documents: readonly string[], share: number): TextSplit {
  const sizes = documents.map((document) => encoder.encode(document).length);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const cut = share === 0 ? total : Math.floor((1 - share) * total);
  const train: string[] = [];
  const heldOut: string[] = [];
  let trainBytes = 0;
  let before = 0;
  for (const [i, document] of documents.entries()) {
    if (before + sizes[i] <= cut) {
      train.push(document);
      trainBytes += sizes[i];
    } else if (before >= cut) {
      heldOut.push(document);
    } else {
      const bytes = encoder.encode(document);
      const at = characterStart(bytes, cut - before);
      if (at > 0) train.push(decoder.decode(bytes.subarray(0, at)));
      heldOut.push(decoder.decode(bytes.subarray(at)));
      trainBytes += at;
    }
    before += sizes[i];
  }
  return { train, heldOut, trainBytes, heldOutBytes: total - trainBytes };
}

/**
 * Holds out the documents whose hash lies in the lowest `share` of all hashes (`heldOutSides`): the split does not depend on
 * their order, and copies of a document are on one side. Of a single document the end is held out, as `splitText` cuts it.
 *
 * @param hashOf 32-bit hash of a document, such as `documentHash` of `@modajs/tokenizer`
 */
export function splitDocuments(
  documents: readonly string[],
  share: number,
  hashOf: (document: string) => number,
): TextSplit {
  if (documents.length <= 1) return splitText(documents, share);
  const sides = heldOutSides(documents.map(hashOf), share);
  const side = (wanted: number): string[] => documents.filter((_, i) => sides[i] === wanted);
  const [train, heldOut] = [side(0), side(1)];
  return { train, heldOut, trainBytes: bytesOf(train), heldOutBytes: bytesOf(heldOut) };
}

function bytesOf(documents: readonly string[]): number {
  return documents.reduce((sum, document) => sum + encoder.encode(document).length, 0);
}

/** The first byte at or before `at` that is not a UTF-8 continuation byte. */
function characterStart(bytes: Uint8Array, at: number): number {
  let start = at;
  while (start > 0 && (bytes[start] & 0xc0) === 0x80) start--;
  return start;
}
