/** Text that tokenizers get wrong: every corner of Unicode, mixed. The same seed gives the same strings. */
export class RandomText {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer from 0 to `below` - 1 (mulberry32). */
  integer(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000) * below);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.integer(choices.length)] as T;
  }

  /** A string of up to `most` parts. `extra` parts (added tokens, say) come in now and then. */
  string(most: number, extra: readonly string[] = []): string {
    let text = '';
    for (let parts = this.integer(most) + 1; parts > 0; parts--) {
      if (extra.length > 0 && this.integer(8) === 0) text += this.pick(extra);
      else text += this.#part();
    }
    return text;
  }

  #part(): string {
    const kind = this.pick(KINDS);
    if (typeof kind !== 'string') return this.#fromRange(kind);
    if (kind === 'anything') return this.#anything();
    if (kind === 'lone surrogate') return String.fromCharCode(0xd800 + this.integer(0x800));
    if (kind === 'run') return this.pick(RUNS).repeat(this.integer(9) + 1);
    return this.pick(SAMPLES[kind] as readonly string[]);
  }

  #fromRange([first, last]: readonly [number, number]): string {
    let text = '';
    for (let n = this.integer(6) + 1; n > 0; n--) text += String.fromCodePoint(first + this.integer(last - first + 1));
    return text;
  }

  #anything(): string {
    const codePoint = this.integer(0x110000);
    return codePoint >= 0xd800 && codePoint <= 0xdfff ? '\ufffd' : String.fromCodePoint(codePoint);
  }
}

const words = (text: string) => text.split(' ');

const SAMPLES: Readonly<Record<string, readonly string[]>> = {
  word: words(
    'the The THE of and MoDA camelCase HTTPServer iPhone naïve Straße ΣΊΣΥΦΟΣ İstanbul don\u2019t foo_bar x1y2',
  ),
  contraction: words("'s 't 're 've 'm 'll 'd 'S 'T 'RE 'Ve 'M 'lL 'D '\u017f 'r 'v 'l 'x ' ''s '\u212a"),
  space: [
    ' ',
    ' ',
    '  ',
    '\n',
    '\r\n',
    '\t',
    '\v',
    '\f',
    '\u0085',
    '\u00a0',
    '\u1680',
    '\u2003',
    '\u2028',
    '\u2029',
    '\u202f',
    '\u205f',
    '\u3000',
    '\n\n',
    ' \n ',
    '\ufeff',
    '\u180e',
    '\u200b',
  ],
  control: ['\0', '\x01', '\x1b', '\x7f', '\u0080', '\u009f', '\u00ad', '\u200d', '\u2060', '\u{e0001}'],
  number: words('1 42 123 1234 1234567 3.14 ٣٤ १२३ ½ ² Ⅷ 𝟘𝟙 〇 ㊿'),
  punctuation: words(
    '. , ; : ! ? ... -- --- /* */ // != => <| |> <| || ||| () [] {} " ` ~ @ # $ % ^ & * € © … — « » 。 、',
  ),
  mark: [
    'e\u0301',
    'A\u030a',
    '\u0301',
    'q\u0323\u0307',
    '\u0307\u0323',
    '각',
    '\u1100\u1161\u11a8',
    'ﬁ',
    '\u00e9',
    '\u0344',
    '\u0958',
    'ö\u0327',
    '\u212b',
    '\u2126',
    '\ufb2e',
    'é\u0328',
  ],
  emoji: ['😀', '👍🏽', '👩‍👩‍👧‍👦', '🇩🇪', '❤️', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '1️⃣', '🫠'],
  rightToLeft: words('שלום مرحبا بالعالم \u202eabc\u202c ﷺ عَرَبِيّ'),
  script: words('日本語 中文字符 ひらがな カタカナ 한국어 हिन्दी ไทย Ελληνικά Русский ქართული ʰʷ ªº ǅ ᾼ ꓽ 𐐀𐐨 𝒜𝒷'),
};
const RUNS = [' ', '\n', 'a', 'A', '!', '=', '-', '1', '\u0301', '😀', '\t', 'é', "'", '\u3000', 'ab', ' x'];
const KINDS: readonly (string | readonly [number, number])[] = [
  ...Object.keys(SAMPLES),
  'word',
  'space',
  'space',
  'contraction',
  'run',
  'run',
  'anything',
  'anything',
  'lone surrogate',
  [0x20, 0x7e],
  [0x20, 0x7e],
  [0x0, 0xff],
  [0x300, 0x36f],
  [0x590, 0x6ff],
  [0x900, 0xdff],
  [0x1c80, 0x1c8f],
  [0x2000, 0x2fff],
  [0x4e00, 0x9fff],
  [0xac00, 0xd7a3],
  [0x1f300, 0x1faff],
  [0x10000, 0x1ffff],
];
