import { describe, expect, test } from 'vitest';
import { Tokenizer } from '../tokenizer.ts';
import { translateRegex } from './regex-translation.ts';

describe('translateRegex', () => {
  test.each([
    '(a+)+$',
    '(?:a|a)*b',
    '(?:\\p{L}|[a-z])+!',
    '(?: ?\\p{L}+)+\\d',
    '(?:a?a)+b',
    '((a*)*)*c',
    '(?:a+){1,30}b',
    '(?=(?:x*)*y)z',
  ])('refuses %s, which could take exponential time', (source) => {
    expect(() => translateRegex(source, 'pattern')).toThrow('could take exponential time');
  });

  test.each([
    '(?>a+)+$',
    '(?:\\p{N}{1,3})+',
    '\\p{N}{1,3}+',
    '(?:\\r?\\n)+x',
    '\\d+(?:,\\d+)*%',
    '(?:\\p{L}|\\p{M})+\\d',
    '(?: ?\\p{L}+)+',
    '(?:(?:a++)++)++b',
  ])('takes %s', (source) => {
    expect(translateRegex(source, 'pattern')).toBeInstanceOf(RegExp);
  });

  test('possessive groups inside each other are read once', () => {
    const source = `${'(?:'.repeat(90)}a${')++'.repeat(90)}`;
    expect('baaab'.match(translateRegex(source, 'pattern'))?.[0]).toBe('aaa');
  });

  test.each([
    [`${'('.repeat(5000)}a${')'.repeat(5000)}`, 'more than 100 groups inside each other'],
    ['a{100000}', 'a count above 1000'],
    ['[[:graph:]]', 'the class [:graph:]'],
    ['a'.repeat(30_000), 'more than 20000 characters'],
  ])('refuses what is past its limits [%#]', (source, message) => {
    expect(() => translateRegex(source, 'pattern')).toThrow(message);
  });

  // What the official library gives for `Isolated` matches (tokenizers 0.23.2).
  test.each([
    ['a{,2}', 'baaab', ['b', 'aa', 'a', 'b']],
    ['a{2}?b', 'xaabab', ['x', 'aab', 'a', 'b']],
    ['[[:digit:][:space:]]+', 'a12 b', ['a', '12 ', 'b']],
    ['\\w+', 'x²½ y', ['x²½', ' ', 'y']],
    ['(?=[A-Z])', 'aBcD', ['a', 'Bc', 'D']],
    ['^|\\n', 'a\nb\n', ['a', '\n', 'b', '\n']],
  ])('%s cuts %j', (Regex, text, words) => {
    const tokenizer = Tokenizer.fromJson({
      pre_tokenizer: { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false },
      model: { type: 'WordLevel', vocab: { u: 0 }, unk_token: 'u' },
    });
    const { starts, ends } = tokenizer.encodeWithOffsets(text);
    expect(Array.from(starts, (start, index) => text.slice(start, ends[index]))).toEqual(words);
  });
});
