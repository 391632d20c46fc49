import { CheckpointError } from '@modajs/tensor';
import type { GgufValue } from './gguf-file.ts';
import { bytePairTokenizerMetadata, scoredTokenizerMetadata } from './gguf-tokenizer.ts';

/** Tokens that begin and end a text. */
export interface TextEnds {
  readonly bosId: number;
  readonly eosId: number;
}

interface PiecesJson {
  readonly model?: {
    readonly type?: string;
    readonly byte_fallback?: boolean;
    readonly unk_token?: string | null;
    readonly vocab?: Readonly<Record<string, number>>;
    readonly merges?: readonly (string | readonly [string, string])[];
  };
  readonly normalizer?: unknown;
  readonly post_processor?: unknown;
}

/**
 * Tokenizer metadata of any `tokenizer.json` that llama.cpp has words for: byte-level BPE, or SentencePiece's pieces, whose bytes
 * stand for unknown characters. A piece's score is its place among the merges, the first the highest.
 *
 * @throws CheckpointError for another kind
 */
export function jsonTokenizerMetadata(
  json: string,
  vocabSize: number,
  { bosId, eosId }: TextEnds,
): Record<string, GgufValue> {
  const { model = {}, normalizer, post_processor } = JSON.parse(json) as PiecesJson;
  if (model.type !== 'BPE' || model.byte_fallback !== true) {
    return bytePairTokenizerMetadata(json, vocabSize, { bosId, eosId });
  }
  const { vocab = {}, merges = [], unk_token: unknown } = model;
  const pieces = new Array<string | undefined>(vocabSize).fill(undefined);
  for (const [piece, id] of Object.entries(vocab)) pieces[id] = piece.replaceAll('\u2581', ' ');
  const missing = pieces.indexOf(undefined);
  if (missing >= 0 || Object.keys(vocab).length > vocabSize) {
    throw new CheckpointError(
      `gguf: tokenizer.json must have one piece for each of ${vocabSize} rows, got ${Object.keys(vocab).length}. Export a Hugging Face folder.`,
      { vocabSize },
    );
  }
  const rankOf = new Map<string, number>();
  for (const [rank, merge] of merges.entries()) {
    const made = (typeof merge === 'string' ? merge.replace(' ', '') : merge.join('')).replaceAll('\u2581', ' ');
    if (!rankOf.has(made)) rankOf.set(made, rank);
  }
  const scores = pieces.map((piece) => -(rankOf.get(piece as string) ?? merges.length) - 1);
  const ids = { unknownId: unknown == null ? 0 : (vocab[unknown] ?? 0), bosId, eosId };
  return {
    ...scoredTokenizerMetadata({ pieces: pieces as string[], scores, ...ids }),
    'tokenizer.ggml.add_space_prefix': {
      type: 'bool',
      value: JSON.stringify(normalizer ?? null).includes('"Prepend"'),
    },
    'tokenizer.ggml.add_bos_token': {
      type: 'bool',
      value: JSON.stringify(post_processor ?? null).includes('SpecialToken'),
    },
  };
}
