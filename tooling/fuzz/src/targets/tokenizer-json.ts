import { Tokenizer, TokenizerError, trainBpe } from '@modajs/tokenizer';
// @boundaries-ignore the tokenizer's tests and the fuzzer make files with one generator
import { generateFile } from '../../../../packages/tokenizer/test/family.ts';
// @boundaries-ignore the tokenizer's tests and the fuzzer make files with one generator
import { RandomText } from '../../../vitest/random-text.ts';
import { checkTokenizer } from '../check-tokenizer.ts';
import type { FuzzTarget } from '../fuzz-target.ts';
import { mutateJsonBytes } from '../mutate-json.ts';
import type { Random } from '../random.ts';

const encoder = new TextEncoder();
const bytesOf = (json: object): Uint8Array => encoder.encode(JSON.stringify(json));
const COMPONENTS = ['normalizer', 'pre_tokenizer', 'post_processor', 'decoder', 'added_tokens', 'model'] as const;

/** The file with a component of a generated file. */
function withOtherComponent(bytes: Uint8Array, random: Random): Uint8Array {
  const file = JSON.parse(new TextDecoder().decode(bytes)) as object;
  const other = generateFile(new RandomText(random.int(1 << 20)));
  const name = random.pick(COMPONENTS);
  return bytesOf({ ...file, [name]: other[name] });
}

const trained: Record<string, unknown> = JSON.parse(
  trainBpe(['the cat sat on the mat; naïve 😀 日本'], { vocabSize: 290, specialTokens: ['<eos>'] }).toJson(),
);
const alphabet = Object.keys((trained['model'] as { vocab: object }).vocab).filter((token) => token.length === 1);

/** A few of the family have an added token that its normalizer makes nothing of, which is refused. */
function isRead(file: object): boolean {
  try {
    return Tokenizer.fromJson(file).vocabSize > 0;
  } catch (error) {
    if (error instanceof TokenizerError && error.message.includes('must not be normalized to nothing')) return false;
    throw error;
  }
}

export const target: FuzzTarget = {
  name: 'tokenizer-json',
  async seeds() {
    const base = trained;
    const rules = {
      ...base,
      truncation: { direction: 'Left', max_length: 4, strategy: 'LongestFirst', stride: 1 },
      padding: { strategy: { Fixed: 8 }, direction: 'Right', pad_id: 0, pad_type_id: 0, pad_token: '<eos>' },
    };
    const generated = Array.from({ length: 30 }, (_, seed) => generateFile(new RandomText(seed)));
    return [base, rules, ...generated.filter(isRead)].map(bytesOf);
  },
  mutate(bytes, random) {
    const swapped = random.chance(0.5) ? withOtherComponent(bytes, random) : bytes;
    return random.chance(0.8) ? mutateJsonBytes(swapped, random) : swapped;
  },
  async run(bytes) {
    const text = new TextDecoder().decode(bytes);
    const tokenizer = Tokenizer.fromJson(text);
    checkTokenizer(tokenizer, isLossless(JSON.parse(text.replace(/^\ufeff/, ''))));
  },
};

/** Whether text comes back as it was: byte-level without rewriting, and every byte is a token. */
function isLossless(file: {
  normalizer?: unknown;
  pre_tokenizer?: unknown;
  decoder?: { type?: unknown } | null;
  added_tokens?: readonly { content: string; lstrip?: boolean; rstrip?: boolean }[] | null;
  model: { vocab: object; type?: unknown; byte_fallback?: unknown };
}): boolean {
  const plain = trained;
  const added = file.added_tokens ?? [];
  return (
    (file.normalizer ?? null) === null &&
    JSON.stringify(file.pre_tokenizer) === JSON.stringify(plain['pre_tokenizer']) &&
    file.decoder?.type === 'ByteLevel' &&
    file.model.type === 'BPE' &&
    JSON.stringify({ ...file.model, vocab: 0, merges: 0 }) ===
      JSON.stringify({ ...(plain['model'] as object), vocab: 0, merges: 0 }) &&
    alphabet.every((character) => Object.hasOwn(file.model.vocab, character)) &&
    added.every(({ content }) => /^[ -~]*$/.test(content))
  );
}
