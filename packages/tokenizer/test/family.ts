import type { RandomText } from '@modajs/vitest/random-text';
import type { AddedTokenJson, JsonPart, TokenizerJson } from '../src/config/tokenizer-json.ts';
import { compileCharacterMap } from './character-map.ts';

/**
 * Generated tokenizer files: any model, added tokens with any flags, and components of every kind in any order. They are what the
 * official library accepts, whether people have such files or not.
 */
export function generateFile(random: RandomText): TokenizerJson {
  const model = models[random.integer(models.length)]?.(random) as JsonPart;
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(random, model),
    normalizer: sometimes(random, () => component(random, normalizers, 'normalizers')),
    pre_tokenizer: sometimes(random, () => component(random, preTokenizers, 'pretokenizers')),
    post_processor: sometimes(random, () => postProcessor(random)),
    decoder: sometimes(random, () => component(random, decoders, 'decoders')),
    model,
  };
}

type Make = (random: RandomText) => JsonPart;

const flag = (random: RandomText) => random.integer(2) === 0;
const sometimes = <T>(random: RandomText, make: () => T): T | null => (random.integer(5) === 0 ? null : make());

/** One component, or a few in a Sequence, now and then one in another. */
function component(random: RandomText, makes: readonly Make[], list: string): JsonPart {
  if (random.integer(5) < 3) return random.pick(makes)(random);
  const parts = Array.from({ length: random.integer(4) }, () =>
    random.integer(8) === 0 ? component(random, makes, list) : random.pick(makes)(random),
  );
  return { type: 'Sequence', [list]: parts };
}

const LETTERS = [..."abcdehilnorstuwyDO '.,!1\n\u00e9\u0301▁#ß本日語😀ﬁ"];
const PIECES =
  "th he the an and in ing er ed on or at re hello world he llo ab abc ▁the ▁a ▁▁ ▁▁▁ ##s ##ing ##ed don 't 12 日本 ĠĠ Ġthe Ġ ĊĊ".split(
    ' ',
  );
const BYTES = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);

/** Tokens that a vocabulary may have, each once, in an order of its own. */
function someTokens(random: RandomText, first: readonly string[]): string[] {
  const tokens = new Set(first);
  for (const letter of LETTERS) if (random.integer(6) > 0) tokens.add(letter);
  for (const piece of PIECES) if (random.integer(3) > 0) tokens.add(piece);
  for (const letter of LETTERS.slice(0, 20)) if (random.integer(4) === 0) tokens.add(`##${letter}`);
  if (flag(random)) for (const byte of random.integer(3) === 0 ? BYTES.slice(0, 0xc8) : BYTES) tokens.add(byte);
  if (flag(random)) for (const letter of ['Ġ', 'Ċ', 'Ã', '©', 'Ì', 'ģ', 'ð', 'Ł', 'ĺ', 'Ģ']) tokens.add(letter);
  return [...tokens];
}

const numbered = (tokens: readonly string[]) => Object.fromEntries(tokens.map((token, id) => [token, id]));

const models: readonly Make[] = [
  (random) => {
    const tokens = someTokens(random, ['<unk>']);
    const [prefix, suffix] = [random.integer(5) === 0 ? '##' : null, random.integer(5) === 0 ? '</w>' : null];
    const all = new Set(tokens);
    const merges: [string, string][] = [];
    for (const token of tokens) {
      for (let at = 1; at < token.length; at++) {
        const [left, right] = [token.slice(0, at), token.slice(at)];
        if (all.has(left) && all.has(right) && !(prefix && right.startsWith(prefix)) && flag(random))
          merges.push([left, right]);
      }
    }
    return {
      type: 'BPE',
      dropout: null,
      unk_token: flag(random) ? '<unk>' : null,
      continuing_subword_prefix: prefix,
      end_of_word_suffix: suffix,
      fuse_unk: flag(random),
      // The official library gives bytes of a prefix or suffix places outside the word.
      byte_fallback: !prefix && !suffix && flag(random),
      ignore_merges: flag(random),
      vocab: numbered(tokens),
      merges: prefix ? [] : merges,
    };
  },
  (random) => ({
    type: 'WordPiece',
    unk_token: '<unk>',
    continuing_subword_prefix: random.pick(['##', '##', '', '▁']),
    max_input_chars_per_word: random.pick([100, 100, 5, 1]),
    vocab: numbered(someTokens(random, ['<unk>'])),
  }),
  (random) => ({ type: 'WordLevel', unk_token: '<unk>', vocab: numbered(someTokens(random, ['<unk>'])) }),
  (random) => {
    const tokens = someTokens(random, ['<pad>', '<unk>']);
    return {
      type: 'Unigram',
      unk_id: 1,
      byte_fallback: flag(random),
      vocab: tokens.map((token) => [token, -random.integer(random.pick([4, 1000])) / random.pick([1, 8, 10, 7])]),
    };
  },
];

const CONTENTS = [
  '<s>',
  '</s>',
  '<x>',
  'he',
  'the',
  ' ',
  '  ',
  'é',
  'e\u0301',
  'HELLO',
  '\n',
  '😀',
  '[MASK]',
  '本',
  'lo w',
  "don't",
  '▁',
  '<unk>',
];

function addedTokens(random: RandomText, model: JsonPart): AddedTokenJson[] {
  const vocab = model['vocab'];
  const tokens = Array.isArray(vocab) ? vocab.map(([token]) => token as string) : Object.keys(vocab as object);
  const ids = new Map(tokens.map((token, id) => [token, id]));
  let next = tokens.length;
  const added: AddedTokenJson[] = [];
  for (const content of ['<s>', '</s>', ...CONTENTS.slice(2)]) {
    if (content !== '<s>' && content !== '</s>' && random.integer(3) > 0) continue;
    const [lstrip, rstrip] = [random.integer(3) === 0, random.integer(3) === 0];
    added.push({
      id: ids.get(content) ?? next++,
      content,
      single_word: random.integer(4) === 0,
      // The official library ends where a blank token takes spaces that are another's already.
      lstrip: lstrip && (rstrip || content.trim() !== ''),
      rstrip,
      normalized: flag(random),
      special: flag(random),
    });
  }
  return added;
}

const PATTERNS = [
  { String: ' ' },
  { String: 'e' },
  { String: 'lo' },
  { Regex: '\\s+' },
  { Regex: '[a-h]' },
  { Regex: '^|\\n' },
  { Regex: '(?i:HE)|\\p{N}' },
  { Regex: '.' },
  { Regex: '[[:digit:][:space:]]{2}?b' },
  { Regex: ' ?[^\\s\\p{L}]+|\\p{L}{1,3}' },
];
/** Patterns that match between characters; to put something there with a normalizer ends the official library. */
const NARROW = ['(?=[A-Z])', 'x*', '\\b', '$', 'l{,2}', ''].map((Regex) => ({ Regex }));
const pattern = (random: RandomText) => random.pick([...PATTERNS, ...NARROW, { String: '' }]);

const charsmap = compileCharacterMap({
  a: 'A',
  '\n': ' ',
  '\t': ' ',
  '\u0001': '',
  ﬁ: 'fi',
  é: 'e\u0301',
  'e\u0301': 'é',
  '\u3000': ' ',
  '１': '1',
  '㌀': 'アパート',
  '😀': ':)',
  '\u200d': '',
  '\ufeff': '',
});

const normalizers: readonly Make[] = [
  ...['NFC', 'NFD', 'NFKC', 'NFKD', 'Lowercase', 'StripAccents', 'Nmt'].map((type) => () => ({ type })),
  (random) => ({ type: 'Strip', strip_left: flag(random), strip_right: flag(random) }),
  (random) => ({ type: 'Replace', pattern: random.pick(PATTERNS), content: random.pick(['', '▁', ' ', 'xy', '😀']) }),
  (random) => ({ type: 'Prepend', prepend: random.pick(['▁', ' ', 'ab']) }),
  (random) => ({
    type: 'BertNormalizer',
    clean_text: flag(random),
    handle_chinese_chars: flag(random),
    strip_accents: random.pick([null, true, false]),
    lowercase: flag(random),
  }),
  () => ({ type: 'Precompiled', precompiled_charsmap: charsmap }),
  () => ({ type: 'ByteLevel' }),
];

const BEHAVIOURS = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'];

const metaspace: Make = (random) => ({
  type: 'Metaspace',
  replacement: random.pick(['▁', '▁', '_', '😀']),
  prepend_scheme: random.pick(['always', 'first', 'never']),
  split: flag(random),
});
const byteLevel: Make = (random) => ({
  type: 'ByteLevel',
  add_prefix_space: flag(random),
  trim_offsets: flag(random),
  use_regex: flag(random),
});

const preTokenizers: readonly Make[] = [
  metaspace,
  metaspace,
  metaspace,
  byteLevel,
  byteLevel,
  ...['Whitespace', 'WhitespaceSplit', 'BertPreTokenizer', 'UnicodeScripts'].map((type) => () => ({ type })),
  (random) => ({ type: 'Punctuation', behavior: random.pick(BEHAVIOURS) }),
  (random) => ({ type: 'Digits', individual_digits: flag(random) }),
  (random) => ({ type: 'Split', pattern: pattern(random), behavior: random.pick(BEHAVIOURS), invert: flag(random) }),
  (random) => ({ type: 'CharDelimiterSplit', delimiter: random.pick(['e', ' ', '😀', '▁']) }),
  (random) => ({ type: 'FixedLength', length: 1 + random.integer(6) }),
];

const templates: readonly Make[] = [
  () => ({
    type: 'TemplateProcessing',
    single: [
      { SpecialToken: { id: '<s>', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '</s>', type_id: 0 } },
      { SpecialToken: { id: '</s>', type_id: 0 } },
    ],
    pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
    special_tokens: {
      '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] },
      '</s>': { id: '</s>', ids: [2, 3], tokens: ['</s>', 'x'] },
    },
  }),
  () => ({ type: 'BertProcessing', sep: ['</s>', 2], cls: ['<s>', 1] }),
  (random) => ({
    type: 'RobertaProcessing',
    sep: ['</s>', 2],
    cls: ['<s>', 1],
    trim_offsets: flag(random),
    add_prefix_space: flag(random),
  }),
];

function postProcessor(random: RandomText): JsonPart {
  const adding = random.pick(templates)(random);
  const kind = random.integer(4);
  if (kind === 0) return byteLevel(random);
  if (kind === 1) return { type: 'Sequence', processors: [byteLevel(random), adding] };
  return adding;
}

const decoders: readonly Make[] = [
  metaspace,
  byteLevel,
  ...['Fuse', 'ByteFallback', 'ByteFallback'].map((type) => () => ({ type })),
  (random) => ({
    type: 'Strip',
    content: random.pick([' ', '▁', 'e', '😀']),
    start: random.integer(3),
    // More than a token has end the official library.
    stop: 0,
  }),
  (random) => ({ type: 'Replace', pattern: pattern(random), content: random.pick(['', ' ', 'xy']) }),
  (random) => ({ type: 'BPEDecoder', suffix: random.pick(['</w>', 'e', '']) }),
  (random) => ({ type: 'WordPiece', prefix: random.pick(['##', '', 'h']), cleanup: flag(random) }),
  (random) => ({
    type: 'CTC',
    pad_token: random.pick(['<pad>', '<s>', '']),
    word_delimiter_token: random.pick(['|', 'e', ' ']),
    cleanup: flag(random),
  }),
];

/**
 * Whether the offsets of the official library mean something: without an unknown token a BPE model drops symbols, and those
 * behind are then counted as if they had not been there.
 */
export const hasOffsets = ({ model }: TokenizerJson): boolean =>
  (model as JsonPart).type !== 'BPE' || (model as JsonPart)['unk_token'] !== null;

/**
 * Whether two added tokens look alike once normalized: the official library then finds the one or the other by chance.
 *
 * @param normalized the official normalizer
 */
export function isAmbiguous(
  { added_tokens: added = [] }: TokenizerJson,
  normalized: (text: string) => string,
): boolean {
  const contents = added.filter(({ normalized }) => normalized).map(({ content }) => normalized(content));
  return new Set(contents).size < contents.length;
}

/** Text for such a file: its tokens, spaces, and every corner of Unicode. */
export function generateText(random: RandomText): string {
  if (random.integer(40) === 0) return random.pick(['', ' ', '\n', '▁', '  ', '\0', 'é']);
  let text = '';
  for (let parts = 1 + random.integer(8); parts > 0; parts--) {
    const kind = random.integer(6);
    if (kind === 0) text += random.pick(CONTENTS);
    else if (kind === 1) text += random.pick(LETTERS) + random.pick(LETTERS);
    else if (kind === 2) text += random.pick([' ', '  ', ' ', '\t', '\u3000', '\r\n', '']);
    else if (kind === 3)
      text += random.pick([
        ...PIECES,
        'the cat',
        'Hello',
        "don't do not",
        'x.y , z !',
        '￿\u200d',
        '１２',
        'カナ漢字',
        'e\u0301\u0302',
        '👩‍👧',
      ]);
    else text += random.string(2);
  }
  return text;
}
