import { RandomText } from '@modajs/vitest/random-text';
import { describe, expect, test } from 'vitest';
import { Tokenizer } from '../tokenizer.ts';
import { trainBpe } from '../train/train-bpe.ts';

const base = trainBpe(['the cat sat on the mat and the dog'], { vocabSize: 280 });
const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: false };
const withAdded = Tokenizer.fromJson({
  ...JSON.parse(base.toJson()),
  added_tokens: [
    { id: 280, content: 'mat and', ...flags },
    { id: 281, content: 'dog', ...flags, rstrip: true },
    { id: 282, content: 'sat', ...flags, lstrip: true },
    { id: 283, content: '<s>', ...flags, special: true },
  ],
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [],
    special_tokens: { '<s>': { id: '<s>', ids: [283], tokens: ['<s>'] } },
  },
});

function inParts(tokenizer: Tokenizer, text: string, random: RandomText): number[] {
  const stream = tokenizer.createEncodeStream();
  const ids: number[] = [];
  for (let at = 0; at < text.length; ) {
    const end = at + 1 + random.integer(90_000);
    for (const id of stream.push(text.slice(at, end))) ids.push(id);
    at = end;
  }
  return ids.concat(Array.from(stream.end()));
}

describe('createEncodeStream', () => {
  test('gives the ids of the whole text, however it is cut', () => {
    const random = new RandomText(3);
    let text = '';
    while (text.length < 400_000) text += `${random.string(20)} the cat sat on the mat and the dog   ran `;
    for (const tokenizer of [base, withAdded]) {
      expect(inParts(tokenizer, text, random)).toEqual(Array.from(tokenizer.encode(text)));
    }
  });

  test('gives ids before the end', () => {
    const stream = base.createEncodeStream();
    expect(stream.push('the cat '.repeat(20_000)).length).toBeGreaterThan(1000);
  });

  test('refuses a tokenizer that does not cut words before spaces', () => {
    const json = { ...JSON.parse(base.toJson()), pre_tokenizer: null };
    expect(() => Tokenizer.fromJson(json).createEncodeStream()).toThrow('Encode the text whole');
    expect(Tokenizer.fromJson(json).safeCut('the cat')).toBe(0);
  });
});
