import { describe, expect, it } from 'vitest';
import { makeLanguageUsable } from './usable-language.ts';

/** As in a browser: a getter of the prototype. */
const speaking = (language: string) =>
  Object.create({
    get language() {
      return language;
    },
  }) as { language: string };

describe('makeLanguageUsable', () => {
  it.each(['en-US@posix', 'C', 'C.UTF-8', 'de_DE', ''])('turns %j, which Intl refuses, into en-US', (language) => {
    expect(() => new Intl.NumberFormat(language)).toThrow(RangeError);
    const navigator = speaking(language);
    makeLanguageUsable(navigator);
    expect(navigator.language).toBe('en-US');
  });

  it.each(['de', 'pt-BR', 'zh-Hant-TW'])('leaves %j', (language) => {
    const navigator = speaking(language);
    makeLanguageUsable(navigator);
    expect(navigator.language).toBe(language);
    expect(Object.hasOwn(navigator, 'language')).toBe(false);
  });
});
