import { describe, expect, it } from 'vitest';
import { prepareText, type TextTokenizer } from './prepare-text.ts';
import { findTokenDocuments, splitTokens, type TokenDocuments } from './split-tokens.ts';
import { splitDocuments, splitText } from './text-split.ts';
import { tokensInMemory } from './token-source.ts';

const SEPARATOR = 256;
const encode = (text: string) => new TextEncoder().encode(text);
/** Bytes as tokens, 256 for the separator. */
const tokenizer: TextTokenizer = { vocabSize: 257, encode, idOf: () => SEPARATOR };
/** Length and first byte: enough for a hash in a test, spread over 32 bits. */
const hashOf = (text: string) =>
  Math.imul(
    encode(text).reduce((sum, byte) => sum * 31 + byte, text.length),
    0x9e3779b1,
  ) >>> 0;

const texts = Array.from({ length: 23 }, (_, i) => `document ${i} ${'—'.repeat(i % 5)}`);
/** Tokens of the documents behind seven others, as they lie in shards. */
function stored(documents: readonly string[]): TokenDocuments {
  const encoded = documents.map((text) => [...encode(text), SEPARATOR]);
  return {
    name: 'x',
    source: tokensInMemory('x', [1, 2, 3, 4, 5, 6, 7, ...encoded.flat(), 9, 9]),
    start: 7,
    tokens: encoded.map(({ length }) => length),
    hashes: documents.map(hashOf),
    textBytes: documents.map((text) => encode(text).length),
    separator: SEPARATOR,
  };
}
const bytesOf = (id: number) => (id === SEPARATOR ? 13 : 1);

describe('splitTokens', () => {
  it.each([
    ['document', texts, 0.1],
    ['document', texts, 0.4],
    ['document', texts, 0],
    ['document', ['only one, of which the end is held out'], 0.2],
    ['end', texts.map((text) => text.replaceAll('—', '-')), 0.3],
    ['end', texts, 0],
  ] as const)('gives what the text gives [by %s, %#]', async (by, documents, share) => {
    const split = by === 'end' ? splitText(documents, share) : splitDocuments(documents, share, hashOf);
    const { sources, heldOut } = prepareText([{ name: 'x', weight: 1, split }], tokenizer);
    const fromTokens = await splitTokens(stored(documents), { share, by }, bytesOf);
    const all = ({ source }: (typeof sources)[number]) => source.read(0, source.length);
    expect(await fromTokens.train.read(0, fromTokens.train.length)).toEqual(await all(sources[0]));
    expect(fromTokens.heldOut).toEqual(heldOut[0] ?? null);
  });

  it('gives the same documents from tokens without an index, and counts no bytes for separators', async () => {
    const { source, start, ...rest } = stored(texts);
    const plain = tokensInMemory('x', (await source.read(start, source.length - start - 2)) as Int32Array);
    const found = await findTokenDocuments(plain, SEPARATOR);
    expect(found.tokens).toEqual(rest.tokens);
    const { heldOut } = await splitTokens(found, { share: 0.3, by: 'document' }, bytesOf);
    const text = Array.from(heldOut?.tokens.subarray(1) as Int32Array);
    expect(heldOut?.bytes).toBe(text.filter((id) => id !== SEPARATOR).length);
    expect(heldOut?.tokens[0]).toBe(SEPARATOR);
    const reversed = tokensInMemory(
      'x',
      texts.toReversed().flatMap((t) => [...encode(t), SEPARATOR]),
    );
    const again = await splitTokens(
      await findTokenDocuments(reversed, SEPARATOR),
      { share: 0.3, by: 'document' },
      bytesOf,
    );
    expect([again.heldOut?.bytes, again.train.length]).toEqual([
      heldOut?.bytes,
      plain.length - heldOut!.tokens.length - 1,
    ]);
  });

  it('takes one run without separators as one document', async () => {
    const found = await findTokenDocuments(tokensInMemory('x', new Int32Array(100)), SEPARATOR);
    const { train, heldOut } = await splitTokens(found, { share: 0.07, by: 'document' }, bytesOf);
    expect([train.length, heldOut?.tokens.length, heldOut?.bytes]).toEqual([93, 8, 7]);
  });
});
