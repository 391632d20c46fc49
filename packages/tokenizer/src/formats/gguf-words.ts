import type { TokenizerJson } from '../config/tokenizer-json.ts';
import { type PatternName, patterns } from '../split/known-patterns.ts';
import { patternPreTokenizer } from './tiktoken.ts';

/** What llama.cpp's name of a way to cut words (`tokenizer.ggml.pre`) stands for. */
export interface GgufWords {
  readonly preTokenizer: NonNullable<TokenizerJson['pre_tokenizer']>;
  /** A word of the vocabulary is a token, whatever the merges say. */
  readonly ignoresMerges: boolean;
  /** Whether a start token goes before a text when the file does not say. */
  readonly addsBegin: boolean;
}

const split = (pattern: string) => ({
  type: 'Split',
  pattern: { Regex: pattern },
  behavior: 'Isolated',
  invert: false,
});
const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false } as const;

/** One pattern after another, each within the pieces of the one before. */
const steps = (...sources: readonly string[]): GgufWords['preTokenizer'] => ({
  type: 'Sequence',
  pretokenizers: [...sources.map(split), bytes],
});

const named = (pattern: PatternName, ignoresMerges = false, addsBegin = false): GgufWords => ({
  preTokenizer: patternPreTokenizer(patterns[pattern])!,
  ignoresMerges,
  addsBegin,
});
const plain = { ignoresMerges: false, addsBegin: false } as const;

const gpt2 = named('gpt2');
const digits = { preTokenizer: steps('\\p{N}', patterns.gpt2), ...plain };
const qwen2 = named('qwen2');
const cl100k = named('cl100k');
const llama3 = named('cl100k', true, true);
const o200k = named('o200k');
/** Mistral's Tekken: o200k without contractions, one digit at a time. */
const tekken = {
  preTokenizer: steps(
    '[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+',
  ),
  ignoresMerges: true,
  addsBegin: true,
};
/** What llama.cpp does with files that name no way, as its first converters wrote them. */
const unnamed = {
  preTokenizer: steps('[\\p{P}\\$\\+<=>\\^~\\|]+', patterns.gpt2, '\\p{N}+', '[0-9][0-9][0-9]'),
  ...plain,
};

const groups: readonly (readonly [GgufWords, readonly string[]])[] = [
  [unnamed, ['default']],
  [gpt2, ['gpt-2', 'phi-2', 'mpt', 'olmo', 'jais', 'trillion', 'granite-docling', 'exaone4', 'gigachat', 'mellum']],
  [gpt2, ['a.x-4.0', 'jina-es', 'jina-de', 'jina-v2-es', 'jina-v2-de']],
  [digits, ['smollm', 'starcoder', 'refact', 'command-r', 'codeshell', 'exaone', 'minerva-7b']],
  [qwen2, ['qwen2', 'deepseek-r1-qwen', 'megrez', 'kormo', 'stablelm2', 'hunyuan', 'grok-2']],
  [cl100k, ['dbrx', 'smaug-bpe', 'glm4', 'chatglm-bpe']],
  [llama3, ['llama-bpe', 'llama3', 'llama-v3', 'falcon3', 'falcon-h1', 'pixtral', 'midm-2.0', 'lfm2']],
  [o200k, ['gpt-4o', 'llama4']],
  [tekken, ['tekken']],
];

/** By llama.cpp's names. Reference: llama.cpp, `llama-vocab.cpp`. */
export const ggufWords: ReadonlyMap<string, GgufWords> = new Map(
  groups.flatMap(([words, names]) => names.map((name) => [name, words] as const)),
);
