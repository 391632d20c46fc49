import { RandomText } from '@modajs/vitest/random-text';
import { Tiktoken } from 'tiktoken';
import { describe, expect, test } from 'vitest';
import { hasSharedData, OfficialTokenizer, randomDifferences, sharedBytes } from '../../test/official.ts';
import { byteAlphabet } from '../bpe/byte-alphabet.ts';
import { patterns } from '../split/known-patterns.ts';
import { Tokenizer } from '../tokenizer.ts';
import { trainBpe } from '../train/train-bpe.ts';

const random = new RandomText(21);
const texts = Array.from({ length: 500 }, () => random.string(12));

/** Ranks as tiktoken has them: the bytes, then merged tokens in their order. */
function ranksOf(tokenizer: Tokenizer): string {
  return Array.from(
    { length: tokenizer.vocabSize },
    (_, id) => `${Buffer.from(tokenizer.bytesOf(id)).toString('base64')} ${id}`,
  ).join('\n');
}

describe('Tokenizer.fromTiktoken', () => {
  test.each(['gpt2', 'cl100k', 'o200k'] as const)('equals tiktoken on random text, pattern %s', (pattern) => {
    const ranks = ranksOf(trainBpe(texts, { vocabSize: 900, pattern, initialAlphabet: byteAlphabet }));
    const specials = { '<|endoftext|>': 900, '<|fim|>': 905 };
    const ours = Tokenizer.fromTiktoken(ranks, { pattern, specialTokens: specials });
    const theirs = new Tiktoken(
      `! 0 ${ranks.replace(/ \d+$/gm, '').replaceAll('\n', ' ')}`,
      specials,
      patterns[pattern],
    );
    for (let i = 0; i < 1000; i++) {
      // Where the two know different versions of Unicode they may differ: text is of characters that both know.
      const text = random.string(10, Object.keys(specials)).replace(/[\ud800-\udfff\p{Cn}]/gu, '');
      expect(Array.from(ours.encode(text))).toEqual(Array.from(theirs.encode(text, 'all')));
      expect(Array.from(ours.encode(text, { specialTokens: 'text' }))).toEqual(
        Array.from(theirs.encode_ordinary(text)),
      );
    }
    theirs.free();
  });

  test('reads {n,m}+ as possessive, as tiktoken does, and saves it so that the official library does, too', async () => {
    const pattern = '\\p{L}++|\\p{N}{1,3}+|[^\\p{L}\\p{N}]';
    const ranks = ranksOf(trainBpe(texts, { vocabSize: 400, pattern: 'gpt2' }));
    const ours = Tokenizer.fromTiktoken(ranks, { pattern });
    const theirs = new Tiktoken(`! 0 ${ranks.replace(/ \d+$/gm, '').replaceAll('\n', ' ')}`, {}, pattern);
    for (const text of ['1234567 ab', '12', 'a1b22c333d4444']) {
      expect(Array.from(ours.encode(text))).toEqual(Array.from(theirs.encode(text)));
      expect(Array.from(ours.encode(text))).toEqual(
        (await OfficialTokenizer.fromString(ours.toJson()).encode(text)).getIds(),
      );
    }
    theirs.free();
  });

  test('a gap in the ranks keeps the ids of what is behind it, in the official library, too', async () => {
    const tokens = ranksOf(trainBpe(texts, { vocabSize: 320, pattern: 'gpt2' })).split('\n');
    const ranks = tokens
      .map((line, index) => (index < 300 ? line : line.replace(/\d+$/, String(index + 7))))
      .join('\n');
    const specials = { '<|endoftext|>': 330, '<|fim|>': 303, '<|far|>': 2000 };
    const ours = Tokenizer.fromTiktoken(ranks, { pattern: 'gpt2', specialTokens: specials });
    const official = OfficialTokenizer.fromString(ours.toJson());
    const again = Tokenizer.fromJson(ours.toJson());
    for (let i = 0; i < 200; i++) {
      const text = random.string(10, Object.keys(specials));
      const ids = Array.from(again.encode(text));
      expect((await official.encode(text)).getIds()).toEqual(ids);
      expect(await official.decode(ids, false)).toBe(again.decode(ids));
    }
    for (const [content, id] of Object.entries(specials)) {
      expect(Array.from(ours.encode(content))).toEqual([id]);
      expect((await official.encode(content)).getIds()).toEqual([id]);
    }
    expect(again.toJson()).toBe(ours.toJson());
  });

  test.each([
    [
      'a rank that comes twice',
      'IQ== 0\nIg== 0',
      {},
      'line 2 of a tiktoken file must have a token and a rank of its own',
    ],
    [
      'a token that comes twice',
      'IQ== 0\nIQ== 1',
      {},
      'line 2 of a tiktoken file must have a token and a rank of its own',
    ],
    ['a rank of 2^32', 'IQ== 0\nIg== 4294967296', {}, 'line 2 of a tiktoken file must have a rank below 16777216'],
    ['a special token with the id of a rank', 'IQ== 0', { '<s>': 0 }, 'got "<s>" with 0, the id of another token'],
    ['two special tokens with one id', 'IQ== 0', { '<s>': 1, '</s>': 1 }, 'got "</s>" with 1, the id of another token'],
    [
      'a special token without an id',
      'IQ== 0',
      { '<s>': Number.NaN },
      'specialTokens must be texts with ids of their own',
    ],
    ['a token of a megabyte', `${'QUFB'.repeat(1 << 18)} 0`, {}, 'must have tokens of a usual length'],
  ])('refuses %s', (_, ranks, specialTokens, message) => {
    expect(() => Tokenizer.fromTiktoken(ranks, { pattern: 'gpt2', specialTokens })).toThrow(message);
  });

  test('names a line that is no rank', () => {
    expect(() => Tokenizer.fromTiktoken('IQ== 0\nIg== x\n', { pattern: 'gpt2' })).toThrow(
      'line 2 of a tiktoken file must be a base64 token and its rank, got "Ig== x"',
    );
  });
});

/** A file in llama2.c's format. */
function llama2c(tokens: [string, number][]): Uint8Array {
  const parts = tokens.map(([token, score]) => {
    const text = Buffer.from(token);
    const head = Buffer.alloc(8);
    head.writeFloatLE(score, 0);
    head.writeInt32LE(text.length, 4);
    return Buffer.concat([head, text]);
  });
  return Buffer.concat([Buffer.from([9, 0, 0, 0]), ...parts]);
}

const fallback = Array.from({ length: 256 }, (_, byte): [string, number] => [
  `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
  0,
]);
const small: [string, number][] = [
  ['<unk>', 0],
  ['\n<s>\n', 0],
  ['\n</s>\n', 0],
  ...fallback,
  [' a', -1],
  ['ab', 0],
  [' ab', -2],
  ['a', -3],
  ['b', -4],
  [' ', -5],
];

describe('Tokenizer.fromLlama2c', () => {
  const tokenizer = Tokenizer.fromLlama2c(llama2c(small), small.length);

  test('puts a start and a space before the text and merges by score', () => {
    // " ab": 'ab' (score 0) merges before ' a' (-1), then ' ' + 'ab' -> ' ab'.
    expect(Array.from(tokenizer.encode('ab'))).toEqual([1, 261]);
    expect(Array.from(tokenizer.encode('', { addSpecialTokens: false }))).toEqual([]);
  });

  test('falls back to bytes, and decodes without the space in front', () => {
    const ids = tokenizer.encode('aé😀b');
    expect(Array.from(ids)).toEqual([1, 259, 3 + 0xc3, 3 + 0xa9, 3 + 0xf0, 3 + 0x9f, 3 + 0x98, 3 + 0x80, 263]);
    expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe('aé😀b');
    const stream = tokenizer.createDecodeStream({ skipSpecialTokens: true });
    expect(Array.from(ids, (id) => stream.push(id)).join('') + stream.end()).toBe('aé😀b');
  });

  test('a saved file loads in the official library with the same results', async () => {
    expect(await randomDifferences(tokenizer.toJson(), tokenizer, new RandomText(3), 100)).toEqual([]);
  });

  test('names the token in which a file ends', () => {
    expect(() => Tokenizer.fromLlama2c(llama2c(small).subarray(0, 40), small.length)).toThrow(
      `must hold ${small.length} tokens, got 40 bytes, which end in token 2`,
    );
  });

  test.runIf(hasSharedData)('equals the rule of llama2.c with the tokenizer of stories260K', () => {
    const bytes = sharedBytes('models/tok512.bin');
    const stories = Tokenizer.fromLlama2c(bytes, 512);
    const scores = scoresOf(bytes);
    const letters = [...'  etaoinshrdlu.,TI"\'zé😀'];
    for (let i = 0; i < 300; i++) {
      const text = Array.from({ length: 1 + random.integer(60) }, () => random.pick(letters)).join('');
      const ids = stories.encode(text);
      expect(Array.from(ids).slice(1)).toEqual(encodeLikeRunC(stories, scores, text));
      expect(stories.decode(ids, { skipSpecialTokens: true })).toBe(text);
    }
  });
});

function scoresOf(bytes: Uint8Array): number[] {
  const buffer = Buffer.from(bytes);
  const scores: number[] = [];
  for (let at = 4; at < buffer.length; at += 8 + buffer.readInt32LE(at + 4)) scores.push(buffer.readFloatLE(at));
  return scores;
}

/** `encode` of llama2.c's run.c as it stands: characters or bytes, then again and again the neighbours whose token scores best. */
function encodeLikeRunC(tokenizer: Tokenizer, scores: readonly number[], text: string): number[] {
  const ids = [...` ${text}`].flatMap((character) => {
    const id = tokenizer.idOf(character);
    return id === undefined ? Array.from(new TextEncoder().encode(character), (byte) => byte + 3) : [id];
  });
  while (true) {
    let best = { score: -1e10, at: -1, id: -1 };
    for (let at = 0; at + 1 < ids.length; at++) {
      const id = tokenizer.idOf(`${tokenizer.tokenOf(ids[at] as number)}${tokenizer.tokenOf(ids[at + 1] as number)}`);
      if (id !== undefined && (scores[id] as number) > best.score) best = { score: scores[id] as number, at, id };
    }
    if (best.at < 0) return ids;
    ids.splice(best.at, 2, best.id);
  }
}
