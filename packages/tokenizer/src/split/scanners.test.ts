import { RandomText } from '@modajs/vitest/random-text';
import { describe, expect, test } from 'vitest';
import { Utf8Buffer } from '../unicode/utf8.ts';
import { patterns, scannerFor } from './known-patterns.ts';
import { translateRegex } from './regex-translation.ts';
import { findMatches } from './text-pattern.ts';

describe.each(Object.entries(patterns))('the scanner of %s', (name, pattern) => {
  const scanner = scannerFor(pattern);
  const regex = translateRegex(pattern, name);
  const buffer = new Utf8Buffer();

  test('cuts random text as the regular expression does', () => {
    const random = new RandomText(11);
    for (let i = 0; i < 3000; i++) {
      const text = random.string(14).replace(/[\ud800-\udfff]/gu, '\ufffd');
      const words = findMatches({ literal: undefined, regex }, text).map(([start, end]) => text.slice(start, end));
      const length = buffer.write(text);
      const scanned: string[] = [];
      for (let at = 0; at < length; ) {
        const end = scanner?.(buffer.bytes, at, length) ?? at;
        scanned.push(new TextDecoder('utf-8', { ignoreBOM: true }).decode(buffer.bytes.subarray(at, end)));
        at = end;
      }
      expect(scanned).toEqual(words);
    }
  });
});
