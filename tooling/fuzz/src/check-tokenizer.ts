import { Tokenizer } from '@modajs/tokenizer';

const TEXTS = [
  '',
  ' ',
  "the cat sat on the mat, don't  HELLO  <s>he</s> 12345\r\n",
  'naïve e\u0301 日本語カナ 😀👩‍👧 ▁▁ﬁ１２ \u200d\u0000<eos><|endoftext|>',
  'a'.repeat(300),
  ' '.repeat(200),
];

const same = (a: ArrayLike<number>, b: ArrayLike<number>): boolean =>
  a.length === b.length && Array.from(a).every((value, index) => value === b[index]);

/**
 * Holds a tokenizer to itself: all ways to encode agree, all ways to decode agree, and a saved file reads alike.
 *
 * @param isLossless whether decoding must give the text back
 */
export function checkTokenizer(tokenizer: Tokenizer, isLossless: boolean): void {
  for (const text of TEXTS) {
    const ids = tokenizer.encode(text);
    const { ids: tracked, starts, ends } = tokenizer.encodeWithOffsets(text);
    if (!same(ids, tracked)) throw new Error('encodeWithOffsets gives other ids than encode');
    if (tokenizer.countTokens(text) !== ids.length) throw new Error('countTokens gives another count than encode');
    for (let i = 0; i < ids.length; i++) {
      if (!((starts[i] as number) >= 0 && (ends[i] as number) <= text.length))
        throw new Error('an offset is outside the text');
    }
    const known = ids.filter((id) => tokenizer.tokenOf(id) !== undefined);
    const decoded = tokenizer.decode(known);
    const stream = tokenizer.createDecodeStream();
    let streamed = '';
    for (const id of known) streamed += stream.push(id);
    if (streamed + stream.end() !== decoded) throw new Error('the stream gives another text than decode');
    if (isLossless && tokenizer.decode(tokenizer.encode(text, { addSpecialTokens: false })) !== text)
      throw new Error('decode does not give the text back');
  }
  // Not all files can be saved so that the official library numbers their tokens alike; then this refuses.
  const again = Tokenizer.fromJson(tokenizer.toJson());
  for (const text of TEXTS) {
    // Ranks that tie become rules one behind the other in a saved file: other ids, the same text.
    if (decodeKnown(again, again.encode(text)) !== decodeKnown(tokenizer, tokenizer.encode(text)))
      throw new Error('a saved file decodes to another text');
  }
}

/** The text of those ids that the vocabulary has: a post-processor may put in others. */
const decodeKnown = (tokenizer: Tokenizer, ids: Int32Array): string =>
  tokenizer.decode(ids.filter((id) => tokenizer.tokenOf(id) !== undefined));
