import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { RandomText } from '@modajs/vitest/random-text';
import { get_encoding, type TiktokenEncoding } from 'tiktoken';
import { describe, expect, test } from 'vitest';
import { Tokenizer } from '../src/tokenizer.ts';
import { sharedDocuments } from '../test/official.ts';
import { rankFile } from '../test/rank-file.ts';

const encoders = createRequire(import.meta.url)
  .resolve('tiktoken/encoders/cl100k_base.json')
  .replace('cl100k_base.json', '');
/** Letters, marks and numbers of newer Unicode versions than its own are other characters to tiktoken: text leaves them out. */
const assigned = /\p{Cn}/gu;

describe.each([
  ['r50k_base', 'gpt2'],
  ['cl100k_base', 'cl100k'],
  ['o200k_base', 'o200k'],
])('%s', (name, pattern) => {
  const { bpe_ranks, special_tokens } = JSON.parse(readFileSync(`${encoders}${name}.json`, 'utf8'));
  const ours = Tokenizer.fromTiktoken(rankFile(bpe_ranks), { pattern, specialTokens: special_tokens });
  const theirs = get_encoding(name as TiktokenEncoding);

  test('equals tiktoken on real documents', () => {
    for (const set of ['stack', 'reddit', 'wikitext', 'pes2o']) {
      for (const text of sharedDocuments(`perplexity/${set}.jsonl.gz`)) {
        expect(ours.encode(text, { specialTokens: 'text' }).join() === theirs.encode_ordinary(text).join()).toBe(true);
      }
    }
  });

  test('equals tiktoken on 100,000 random strings', () => {
    const random = new RandomText(12);
    const differing: string[] = [];
    for (let i = 0; i < 100_000; i++) {
      const text = random
        .string(12, Object.keys(special_tokens))
        .replace(assigned, '')
        .replace(/[\ud800-\udfff]/gu, '\ufffd');
      if (ours.encode(text).join() !== theirs.encode(text, 'all').join()) differing.push(text);
    }
    expect(differing.slice(0, 5)).toEqual([]);
  });
});
