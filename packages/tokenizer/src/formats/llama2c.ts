import { LIMITS } from '../config/limits.ts';
import type { TokenizerJson } from '../config/tokenizer-json.ts';
import { shown, TokenizerError } from '../errors.ts';
import { bpeModel } from './bpe-model.ts';
import { mergesFromRanks } from './merges-from-ranks.ts';
import type { ConvertedTokenizer } from './tiktoken.ts';

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const START = 1;
const END = 2;
/** llama2.c writes the three control tokens with line breaks around them. */
const CONTROL = ['<unk>', '<s>', '</s>'];

const specialToken = (id: number) => ({
  id,
  content: CONTROL[id] as string,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
});

/**
 * Converts llama2.c's `tokenizer.bin`: `int32` longest token, then per token `float32` score, `int32` length and the bytes.
 * Pairs merge by the score of the token they make, unknown characters fall back to bytes, and a space is put in front.
 *
 * @throws {TokenizerError} a file that ends too early, naming the token
 */
export function readLlama2c(bytes: Uint8Array, vocabSize: number): ConvertedTokenizer {
  const { tokens, scores } = readTokens(bytes, vocabSize);
  for (const [id, name] of CONTROL.entries()) if (id < tokens.length) tokens[id] = name;
  // Of tokens that are written alike, the first is the one that text becomes.
  const vocab = Object.fromEntries([...tokens.entries()].reverse().map(([id, token]) => [token, id]));
  const isMerged = (token: string, id: number) => id >= CONTROL.length && !/^<0x[0-9A-F]{2}>$/.test(token);
  const ranked = [...tokens.keys()].filter((id) => isMerged(tokens[id] as string, id));
  ranked.sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
  const { merges, ranks } = mergesFromRanks(
    ranked.map((id) => tokens[id] as string),
    (token) => token,
    (token) => token,
  );
  const model = bpeModel(vocab, merges, { unk_token: '<unk>', fuse_unk: true, byte_fallback: true });
  const config: TokenizerJson = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [0, START, END].map(specialToken),
    normalizer: { type: 'Prepend', prepend: ' ' },
    pre_tokenizer: null,
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [
        { SpecialToken: { id: '<s>', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { Sequence: { id: 'B', type_id: 0 } },
      ],
      special_tokens: { '<s>': { id: '<s>', ids: [START], tokens: ['<s>'] } },
    },
    decoder: {
      type: 'Sequence',
      decoders: [{ type: 'ByteFallback' }, { type: 'Fuse' }, { type: 'Strip', content: ' ', start: 1, stop: 0 }],
    },
    model,
  };
  return { config, mergeRanks: ranks };
}

function readTokens(bytes: Uint8Array, vocabSize: number): { tokens: string[]; scores: number[] } {
  if (!Number.isInteger(vocabSize) || vocabSize < 1 || vocabSize >= LIMITS.id)
    throw new TokenizerError(
      'tokenizer',
      `vocabSize must be an integer from 1 to ${LIMITS.id - 1}, got ${shown(vocabSize)}.`,
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tokens: string[] = [];
  const scores: number[] = [];
  for (let at = 4; tokens.length < vocabSize; ) {
    const length = at + 8 <= bytes.length ? view.getInt32(at + 4, true) : -1;
    if (length < 0 || at + 8 + length > bytes.length) {
      throw new TokenizerError(
        'tokenizer',
        `a llama2.c file must hold ${vocabSize} tokens, got ${bytes.length} bytes, which end in token ${tokens.length}. Is vocabSize right?`,
        {
          place: `token ${tokens.length}`,
        },
      );
    }
    scores.push(view.getFloat32(at, true));
    tokens.push(utf8.decode(bytes.subarray(at + 8, at + 8 + length)));
    at += 8 + length;
  }
  return { tokens, scores };
}
