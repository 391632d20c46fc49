import { BpeEncoder } from '../bpe/bpe-encoder.ts';
import { BpeModel } from '../bpe/bpe-model.ts';
import type { Part } from '../config/part.ts';
import type { Vocabulary, WordEncoder } from './model.ts';
import { UnigramEncoder, UnigramModel } from './unigram.ts';
import { WordLevelEncoder, WordLevelModel } from './word-level.ts';
import { WordPieceEncoder, WordPieceModel } from './word-piece.ts';

/** The model of a file. */
export interface ReadModel {
  readonly kind: 'BPE' | 'Unigram' | 'WordPiece' | 'WordLevel';
  readonly vocabulary: Vocabulary;
  /** Whether the model takes its words as the characters of the byte alphabet, so that the bytes themselves may be its symbols. */
  readonly allowsBytes: boolean;
  readonly fallsBackToBytes: boolean;
  createEncoder(alphabet: 'bytes' | 'characters'): WordEncoder;
}

/**
 * The model of a `tokenizer.json`. Files of the first versions name no type: merges tell BPE from the others, a list of pieces
 * Unigram, a prefix WordPiece.
 *
 * @throws {TokenizerError} a model of another kind, or a malformed one
 */
export function readModel(part: Part, mergeRanks?: ArrayLike<number>): ReadModel {
  switch (part.get('type') ?? kindByFields(part)) {
    case 'BPE': {
      const model = new BpeModel(part, mergeRanks);
      return {
        kind: 'BPE',
        vocabulary: model,
        allowsBytes: model.prefix === '' && model.suffix === '' && !model.fallbackIds,
        fallsBackToBytes: model.fallbackIds !== undefined,
        createEncoder: (alphabet) => new BpeEncoder(model, alphabet),
      };
    }
    case 'Unigram': {
      const model = new UnigramModel(part);
      return {
        ...ofCharacters,
        kind: 'Unigram',
        vocabulary: model,
        fallsBackToBytes: model.byteIds !== undefined,
        createEncoder: () => new UnigramEncoder(model),
      };
    }
    case 'WordPiece': {
      const model = new WordPieceModel(part);
      return {
        ...ofCharacters,
        kind: 'WordPiece',
        vocabulary: model,
        createEncoder: () => new WordPieceEncoder(model),
      };
    }
    case 'WordLevel': {
      const model = new WordLevelModel(part);
      return {
        ...ofCharacters,
        kind: 'WordLevel',
        vocabulary: model,
        createEncoder: () => new WordLevelEncoder(model),
      };
    }
    default:
      return part.refuseType('BPE, WordPiece, Unigram, WordLevel');
  }
}

const ofCharacters = { allowsBytes: false, fallsBackToBytes: false } as const;

function kindByFields(part: Part): string | undefined {
  if (Array.isArray(part.get('merges'))) return 'BPE';
  if (Array.isArray(part.get('vocab'))) return 'Unigram';
  return part.get('continuing_subword_prefix') === undefined ? undefined : 'WordPiece';
}
