import { RandomText } from '@modajs/vitest/random-text';
import { describe, expect, test } from 'vitest';
import { Tokenizer } from '../src/tokenizer.ts';
import { trainBpe } from '../src/train/train-bpe.ts';
import {
  difference,
  OfficialTokenizer,
  randomDifferences,
  sharedDocuments,
  sharedTokenizer,
} from '../test/official.ts';

const SETS = ['books', 'c4', 'common-crawl', 'ice', 'pes2o', 'pile', 'reddit', 's2orc', 'stack', 'wikitext'];
const RANDOM_STRINGS = 100_000;

const trained = () =>
  trainBpe(sharedDocuments('corpora/web.jsonl.gz'), { vocabSize: 16_000, specialTokens: ['<|endoftext|>'] }).toJson();
const jsons: Readonly<Record<string, () => string>> = {
  dolma2: () => sharedTokenizer('dolma2'),
  gpt2: () => sharedTokenizer('gpt2'),
  'trained here': trained,
};

describe.each(Object.keys(jsons))('%s equals the official library', (name) => {
  const json = (jsons[name] as () => string)();
  const ours = Tokenizer.fromJson(json);

  test.each(SETS)('on all of perplexity/%s', async (set) => {
    const official = OfficialTokenizer.fromString(json);
    let tokens = 0;
    for (const text of sharedDocuments(`perplexity/${set}.jsonl.gz`)) {
      expect(await difference(ours, official, text)).toBeUndefined();
      const ids = ours.encode(text);
      expect(ours.decode(ids)).toBe(text);
      tokens += ids.length;
    }
    console.log(`${name}, ${set}: ${tokens} tokens`);
  });

  test(`on ${RANDOM_STRINGS} random strings over all of Unicode`, async () => {
    expect(await randomDifferences(json, ours, new RandomText(6), RANDOM_STRINGS)).toEqual([]);
  });

  test('on 1 MB without a space', async () => {
    const official = OfficialTokenizer.fromString(json);
    for (const piece of ['a', 'é', '😀', 'ab1', '!']) {
      const text = piece.repeat(Math.ceil(1e6 / Buffer.byteLength(piece)));
      expect(Array.from(ours.encode(text))).toEqual((await official.encode(text)).getIds());
    }
  });
});
