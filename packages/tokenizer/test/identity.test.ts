import { RandomText } from '@modajs/vitest/random-text';
import { describe, expect, test } from 'vitest';
import { Tokenizer } from '../src/tokenizer.ts';
import { configurations } from './configurations.ts';
import {
  difference,
  hasSharedData,
  OfficialTokenizer,
  randomDifferences,
  sharedDocuments,
  sharedTokenizer,
} from './official.ts';

const files = configurations();
const TEXTS = [
  "Hello, world! It's 2026 and we're here.",
  '',
  ' ',
  '\n',
  'a',
  'naïve café — "déjà vu"\r\n\r\n\tdone  ',
  'x'.repeat(999),
];

describe('ids, offsets and decoded text equal the official library', () => {
  test.each(Object.keys(files))('%s', async (name) => {
    const json = files[name] as string;
    const ours = Tokenizer.fromJson(json);
    const official = OfficialTokenizer.fromString(json);
    for (const text of TEXTS) expect(await difference(ours, official, text)).toBeUndefined();
    expect(await randomDifferences(json, ours, new RandomText(7), 150)).toEqual([]);
  });

  test.runIf(hasSharedData).each(['dolma2', 'gpt2'] as const)('%s, on random text and real documents', async (name) => {
    const json = sharedTokenizer(name);
    const ours = Tokenizer.fromJson(json);
    const official = OfficialTokenizer.fromString(json);
    expect(await randomDifferences(json, ours, new RandomText(8), 500)).toEqual([]);
    for (const set of ['stack', 'reddit']) {
      for (const text of sharedDocuments(`perplexity/${set}.jsonl.gz`).slice(0, 8)) {
        expect(await difference(ours, official, text)).toBeUndefined();
        expect(ours.decode(ours.encode(text))).toBe(text);
      }
    }
  });

  test('a saved file loads there with the same results', async () => {
    for (const name of ['Llama 3', 'Qwen 2', 'Llama 2', 'CLIP']) {
      const ours = Tokenizer.fromJson(files[name] as string);
      expect(await randomDifferences(ours.toJson(), ours, new RandomText(9), 30)).toEqual([]);
    }
  });
});
