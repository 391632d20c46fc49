import type { PaddingJson, TruncationJson } from '../config/tokenizer-json.ts';
import type { Encoding, RawEncoding } from '../encoding.ts';

/** Cuts a text's tokens to `max_length` less the tokens that a post-processor will add. */
export function truncate(encoding: RawEncoding, { max_length, direction }: TruncationJson, room: number): RawEncoding {
  const length = Math.max(0, max_length - room);
  if (encoding.ids.length <= length) return encoding;
  const from = direction === 'Left' ? encoding.ids.length - length : 0;
  return {
    ids: encoding.ids.slice(from, from + length),
    starts: encoding.starts.slice(from, from + length),
    ends: encoding.ends.slice(from, from + length),
    specialTokensMask: encoding.specialTokensMask.slice(from, from + length),
    attentionMask: encoding.attentionMask.slice(from, from + length),
    texts: new Map([...encoding.texts].map(([index, text]) => [index - from, text])),
  };
}

/** The length to which texts whose longest has `longest` tokens are padded. */
export function paddedLength({ strategy, pad_to_multiple_of: multiple }: PaddingJson, longest: number): number {
  const length = strategy === 'BatchLongest' ? longest : strategy.Fixed;
  return multiple && multiple > 0 ? Math.ceil(length / multiple) * multiple : length;
}

/** Fills up to `length` with the padding token. */
export function pad(encoding: Encoding, { direction, pad_id }: PaddingJson, length: number): Encoding {
  const missing = length - encoding.ids.length;
  if (missing <= 0) return encoding;
  const at = direction === 'Left' ? missing : 0;
  const fill = <T extends Int32Array | Uint8Array>(array: T, value: number): T => {
    const longer = new (array.constructor as new (length: number) => T)(length);
    longer.fill(value);
    longer.set(array, at);
    return longer;
  };
  return {
    ids: fill(encoding.ids, pad_id),
    starts: fill(encoding.starts, 0),
    ends: fill(encoding.ends, 0),
    specialTokensMask: fill(encoding.specialTokensMask, 1),
    attentionMask: fill(encoding.attentionMask, 0),
  };
}
