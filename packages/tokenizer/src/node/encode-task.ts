import type { SpecialTokensMode } from '../added/added-tokens.ts';
import type { Tokenizer } from '../tokenizer.ts';

export type Dtype = 'uint16' | 'uint32';

const ARRAYS = { uint16: Uint16Array, uint32: Uint32Array } as const;

/** Tokens of a shard, zero. */
export function shardTokens(dtype: Dtype, count: number): Uint16Array | Uint32Array {
  return new ARRAYS[dtype](count);
}

/** What a worker needs to start. */
export interface EncodeSetup {
  readonly tokenizerJson: string;
  readonly dtype: Dtype;
  readonly specialTokens: SpecialTokensMode;
}

/** Texts in; their tokens, one text behind the other, and how many each has, out. */
export interface EncodedTexts {
  readonly tokens: Uint16Array | Uint32Array;
  readonly counts: Uint32Array;
}

/** Encodes a batch of texts, without what a post-processor adds. */
export function encodeTexts(
  tokenizer: Tokenizer,
  texts: readonly string[],
  { dtype, specialTokens }: Omit<EncodeSetup, 'tokenizerJson'>,
): EncodedTexts {
  const parts = texts.map((text) => tokenizer.encode(text, { addSpecialTokens: false, specialTokens }));
  const counts = Uint32Array.from(parts, ({ length }) => length);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const tokens = shardTokens(dtype, total);
  let at = 0;
  for (const part of parts) {
    tokens.set(part, at);
    at += part.length;
  }
  return { tokens, counts };
}
