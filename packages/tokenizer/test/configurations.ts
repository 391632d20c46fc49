import { RandomText } from '@modajs/vitest/random-text';
import type { AddedTokenJson, BpeJson, JsonPart, TokenizerJson } from '../src/config/tokenizer-json.ts';
import { patterns } from '../src/split/known-patterns.ts';
import { trainBpe } from '../src/train/train-bpe.ts';

/** Tokenizer files of every kind that people have, on one small vocabulary. */
type Parts = Omit<Partial<TokenizerJson>, 'model'> & { readonly model?: Partial<BpeJson> };

const split = (pattern: string, behavior = 'Isolated', invert = false): JsonPart => ({
  type: 'Split',
  pattern: { Regex: pattern },
  behavior,
  invert,
});
const steps = (...pretokenizers: JsonPart[]): JsonPart => ({ type: 'Sequence', pretokenizers });
const rewrites = (...normalizers: JsonPart[]): JsonPart => ({ type: 'Sequence', normalizers });
const byteLevel: JsonPart = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
const bytesOnly: JsonPart = { ...byteLevel, use_regex: false };
const metaspace = (prepend_scheme: string, splits: boolean): JsonPart => ({
  type: 'Metaspace',
  replacement: '▁',
  prepend_scheme,
  split: splits,
});

const VOCAB = 1500;
const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: false };
const addedTokens: AddedTokenJson[] = [
  { id: VOCAB, content: '<s>', ...flags, special: true },
  { id: VOCAB + 1, content: '</s>', ...flags, special: true },
  { id: VOCAB + 2, content: '<x>', ...flags, special: true },
  { id: VOCAB + 3, content: '  ', ...flags, normalized: true },
  { id: VOCAB + 4, content: 'foo bar', ...flags, normalized: true },
  { id: VOCAB + 5, content: 'word', ...flags, single_word: true, normalized: true },
  { id: VOCAB + 6, content: '<m>', ...flags, lstrip: true, special: true },
  { id: VOCAB + 7, content: '<r>', ...flags, rstrip: true },
  { id: VOCAB + 8, content: '<b>', ...flags, lstrip: true, rstrip: true, normalized: true },
  { id: VOCAB + 9, content: '\n\n\n', ...flags },
];

const template: JsonPart = {
  type: 'TemplateProcessing',
  single: [
    { SpecialToken: { id: '<s>', type_id: 0 } },
    { Sequence: { id: 'A', type_id: 0 } },
    { SpecialToken: { id: '</s>', type_id: 0 } },
  ],
  pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
  special_tokens: {
    '<s>': { id: '<s>', ids: [VOCAB], tokens: ['<s>'] },
    '</s>': { id: '</s>', ids: [VOCAB + 1, VOCAB + 2], tokens: ['</s>', '<x>'] },
  },
};

const variants: Readonly<Record<string, Parts>> = {
  'GPT-NeoX': { normalizer: { type: 'NFC' }, pre_tokenizer: byteLevel, post_processor: byteLevel },
  'Llama 3': {
    pre_tokenizer: steps(split(patterns.cl100k), bytesOnly),
    post_processor: {
      type: 'Sequence',
      processors: [{ ...byteLevel, add_prefix_space: true, trim_offsets: false }, template],
    },
    model: { ignore_merges: true },
  },
  'Qwen 2': {
    normalizer: { type: 'NFC' },
    pre_tokenizer: steps(split(patterns.qwen2), bytesOnly),
    post_processor: { ...bytesOnly, trim_offsets: false },
  },
  o200k: { pre_tokenizer: steps(split(patterns.o200k, 'Removed', true), bytesOnly) },
  'cl100k as a regular expression': { pre_tokenizer: steps(split(`(?:${patterns.cl100k})`), bytesOnly) },
  'possessive cl100k': {
    pre_tokenizer: steps(
      split(
        "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
      ),
      bytesOnly,
    ),
  },
  'atomic groups and repeated counts': {
    pre_tokenizer: steps(split('(?>\\p{L}{1,2})+|\\p{N}{1,3}+|(?>a|ab)c|\\s++'), bytesOnly),
  },
  RoBERTa: {
    pre_tokenizer: { ...byteLevel, add_prefix_space: true },
    post_processor: {
      type: 'RobertaProcessing',
      sep: ['</s>', VOCAB + 1],
      cls: ['<s>', VOCAB],
      trim_offsets: true,
      add_prefix_space: true,
    },
  },
  StarCoder: { pre_tokenizer: steps({ type: 'Digits', individual_digits: true }, byteLevel) },
  Falcon: {
    pre_tokenizer: steps(
      { type: 'Punctuation', behavior: 'Contiguous' },
      byteLevel,
      { type: 'Digits', individual_digits: false },
      split('[0-9][0-9][0-9]'),
    ),
  },
  'DeepSeek 3': {
    pre_tokenizer: steps(
      split('\\p{N}{1,3}'),
      split('[一-龥぀-ゟ゠-ヿ]+'),
      split(
        '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+',
      ),
      bytesOnly,
    ),
  },
  'NFD, lower case, no accents': {
    normalizer: rewrites({ type: 'NFD' }, { type: 'Lowercase' }, { type: 'StripAccents' }),
    pre_tokenizer: byteLevel,
  },
  NFKC: { normalizer: { type: 'NFKC' }, pre_tokenizer: byteLevel },
  NFKD: { normalizer: { type: 'NFKD' }, pre_tokenizer: byteLevel },
  'Strip and Replace': {
    added_tokens: [],
    normalizer: rewrites(
      { type: 'Strip', strip_left: true, strip_right: true },
      { type: 'Replace', pattern: { Regex: '[0-9]+|\\s' }, content: '▁' },
    ),
    pre_tokenizer: byteLevel,
  },
  Prepend: { normalizer: { type: 'Prepend', prepend: '▁' }, pre_tokenizer: byteLevel },
  'ByteLevel normalizer': { normalizer: { type: 'ByteLevel' }, pre_tokenizer: null },
  'Metaspace always': { pre_tokenizer: metaspace('always', true), decoder: metaspace('always', true) },
  'Metaspace first': { pre_tokenizer: metaspace('first', false), decoder: metaspace('first', false) },
  Whitespace: { pre_tokenizer: { type: 'Whitespace' }, model: { unk_token: '!' } },
  'WhitespaceSplit, fused unknowns': {
    pre_tokenizer: { type: 'WhitespaceSplit' },
    model: { unk_token: '!', fuse_unk: true },
  },
  BertPreTokenizer: { pre_tokenizer: { type: 'BertPreTokenizer' } },
  CharDelimiterSplit: { pre_tokenizer: steps({ type: 'CharDelimiterSplit', delimiter: 'a' }, bytesOnly) },
  FixedLength: { pre_tokenizer: steps({ type: 'FixedLength', length: 5 }, bytesOnly) },
  MergedWithPrevious: { pre_tokenizer: steps(split('[a-c]+|\\d', 'MergedWithPrevious'), bytesOnly) },
  'MergedWithPrevious inverted': { pre_tokenizer: steps(split('[a-c ]', 'MergedWithPrevious', true), bytesOnly) },
  MergedWithNext: { pre_tokenizer: steps(split('[a-c ]', 'MergedWithNext'), bytesOnly) },
  Contiguous: { pre_tokenizer: steps(split('[a-c ]', 'Contiguous'), bytesOnly) },
  'no decoder': { decoder: null },
  'truncation and fixed padding': {
    truncation: { direction: 'Right', max_length: 7, strategy: 'LongestFirst', stride: 0 },
    padding: {
      strategy: { Fixed: 10 },
      direction: 'Left',
      pad_to_multiple_of: 8,
      pad_id: 5,
      pad_type_id: 0,
      pad_token: 'x',
    },
    post_processor: template,
  },
  'truncation at the left': {
    truncation: { direction: 'Left', max_length: 4, strategy: 'LongestFirst', stride: 0 },
    padding: {
      strategy: 'BatchLongest',
      direction: 'Right',
      pad_to_multiple_of: 3,
      pad_id: 5,
      pad_type_id: 0,
      pad_token: 'x',
    },
  },
};

/** Tokenizer files by name. */
export function configurations(): Readonly<Record<string, string>> {
  const base = baseTokenizer();
  const made = Object.entries(variants).map(([name, { model, ...parts }]) => [
    name,
    JSON.stringify({ ...base, added_tokens: addedTokens, ...parts, model: { ...base.model, ...model } }),
  ]);
  return { ...Object.fromEntries(made), ...characterConfigurations() };
}

function baseTokenizer(): TokenizerJson & { model: BpeJson } {
  const random = new RandomText(1);
  const texts = Array.from({ length: 3000 }, () => random.string(12));
  return JSON.parse(trainBpe(texts, { vocabSize: VOCAB, pattern: 'gpt2' }).toJson());
}

/** Llama 2 and CLIP: symbols are characters, with byte fallback, unknown tokens, or a suffix. */
function characterConfigurations(): Record<string, string> {
  const fallback = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  const merges = [
    't h',
    'th e',
    '▁ the',
    'a n',
    'an d',
    '▁ and',
    '▁ ▁',
    '▁▁ ▁▁',
    'o f',
    '▁ of',
    'i n',
    'r e',
    'e ▁',
    'w o',
    'wo r',
    'wor d',
  ];
  const vocabOf = (tokens: string[]) => Object.fromEntries([...new Set(tokens)].map((token, id) => [token, id]));
  const merged = merges.map((merge) => merge.replace(' ', ''));
  const vocab = vocabOf(['<unk>', '<s>', '</s>', ...fallback, ...'abcdefghijklmnopqrstuvwxyz▁é,.', ...merged]);
  const special = (content: string, id: number) => ({ id, content, ...flags, special: true });
  const llama = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: ['<unk>', '<s>', '</s>'].map(special),
    normalizer: rewrites(
      { type: 'Prepend', prepend: '▁' },
      { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    ),
    pre_tokenizer: null,
    post_processor: {
      ...template,
      single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
    },
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: '<unk>',
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      vocab,
      merges,
    },
  };
  const letters = [...'abcdefghijklmnopqrstuvwxyz!'].flatMap((letter) => [letter, `${letter}</w>`]);
  const clip = {
    ...llama,
    added_tokens: [],
    normalizer: rewrites(
      { type: 'NFC' },
      { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
      { type: 'Lowercase' },
    ),
    pre_tokenizer: steps(
      split("'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+", 'Removed', true),
      bytesOnly,
    ),
    post_processor: null,
    decoder: { ...byteLevel, add_prefix_space: true },
    model: {
      ...llama.model,
      byte_fallback: false,
      fuse_unk: false,
      end_of_word_suffix: '</w>',
      vocab: vocabOf([...letters, '<unk>', 'th', 'the</w>', 'an', 'and</w>']),
      merges: ['t h', 'th e</w>', 'a n', 'an d</w>'],
    },
  };
  return {
    'Llama 2': JSON.stringify(llama),
    'Llama 2 without byte fallback': JSON.stringify({ ...llama, model: { ...llama.model, byte_fallback: false } }),
    'unknown tokens one by one': JSON.stringify({
      ...llama,
      model: { ...llama.model, byte_fallback: false, fuse_unk: false },
    }),
    CLIP: JSON.stringify(clip),
  };
}
