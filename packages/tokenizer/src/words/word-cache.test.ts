import { RandomText } from '@modajs/vitest/random-text';
import { expect, test } from 'vitest';
import { Utf8Buffer } from '../unicode/utf8.ts';
import { WordCache } from './word-cache.ts';

test('WordCache > gives back what was put in, through growth and starting over', () => {
  const cache = new WordCache();
  const random = new RandomText(2);
  const buffer = new Utf8Buffer();
  const kept = new Map<string, number[]>();
  const out = new Int32Array(64);
  for (let i = 0; i < 300_000; i++) {
    const word =
      random.integer(3) === 0 ? 'word'.repeat(random.integer(40)) + random.integer(50) : `w${random.integer(1e6)}`;
    const length = buffer.write(word);
    const slot = cache.find(buffer.bytes, buffer.view, 0, length);
    if (slot < 0) {
      expect(length).toBeGreaterThan(120);
      continue;
    }
    const count = cache.tokensAt(slot);
    if (count >= 0) {
      cache.copy(slot, out, 0);
      if (`${out.subarray(0, count)}` !== `${kept.get(word)}`)
        throw new Error(`${word}: ${out.subarray(0, count)} for ${kept.get(word)}`);
      continue;
    }
    const tokens = Array.from({ length: random.integer(5) }, () => random.integer(1000));
    kept.set(word, tokens);
    cache.add(slot, buffer.bytes, 0, length, Int32Array.from([7, ...tokens]), 1, tokens.length);
  }
  expect(kept.size).toBeGreaterThan(1000);
});
