import { CheckpointError } from '@modajs/tensor';
import type { GgufValue } from './gguf-file.ts';
import { preTokenizerName, type TokenizerPart } from './gguf-pre-tokenizer.ts';

/** Pieces with scores, as in SentencePiece and llama2.c vocabularies. */
export interface ScoredPieces {
  readonly pieces: readonly string[];
  readonly scores: readonly number[];
  readonly unknownId: number;
  readonly bosId: number;
  readonly eosId: number;
}

/**
 * Tokenizer metadata for a scored vocabulary (llama.cpp's `llama` model). Pieces `<0xNN>` are bytes, a space is shown
 * as U+2581.
 */
export function scoredTokenizerMetadata(vocabulary: ScoredPieces): Record<string, GgufValue> {
  const { pieces, scores, unknownId, bosId, eosId } = vocabulary;
  const types = pieces.map((piece, id) => {
    if (id === unknownId) return 2;
    if (id === bosId || id === eosId) return 3;
    return /^<0x[0-9A-Fa-f]{2}>$/.test(piece) ? 6 : 1;
  });
  const shown = pieces.map((piece) => piece.replaceAll(' ', '\u2581'));
  return {
    'tokenizer.ggml.model': { type: 'string', value: 'llama' },
    'tokenizer.ggml.tokens': { type: 'strings', value: shown },
    'tokenizer.ggml.scores': { type: 'f32s', value: scores },
    'tokenizer.ggml.token_type': { type: 'i32s', value: types },
    'tokenizer.ggml.unknown_token_id': { type: 'u32', value: unknownId },
    'tokenizer.ggml.bos_token_id': { type: 'u32', value: bosId },
    'tokenizer.ggml.eos_token_id': { type: 'u32', value: eosId },
  };
}

/** What is not as `tokenizer.json` says, or not said there. */
export interface BytePairOptions {
  /** llama.cpp's name of the way to cut words. Default: the one that cuts as the file's pre-tokenizer does. */
  readonly pre?: string;
  /** Default: the token that the file puts before a text, or one named `<s>`, `<|begin_of_text|>`, ..., or the end token. */
  readonly bosId?: number;
  /** Default: the token that the file puts after a text, or one named `<|endoftext|>`, `</s>`, `<eos>`, ... */
  readonly eosId?: number;
  /** Default: one named `<pad>`, `<|pad|>`, ..., or none. */
  readonly padId?: number;
}

interface TokenizerJson {
  readonly model?: {
    readonly type?: string;
    readonly vocab?: Readonly<Record<string, number>>;
    readonly merges?: readonly (string | readonly [string, string])[];
    readonly byte_fallback?: boolean;
    readonly ignore_merges?: boolean;
    readonly continuing_subword_prefix?: string | null;
    readonly end_of_word_suffix?: string | null;
  };
  readonly added_tokens?: readonly { readonly id: number; readonly content: string; readonly special?: boolean }[];
  readonly normalizer?: TokenizerPart | null;
  readonly pre_tokenizer?: TokenizerPart | null;
  readonly post_processor?: TokenizerPart | null;
}

const BEGIN_NAMES = ['<s>', '<|begin_of_text|>', '<bos>', '<|startoftext|>', '<|bos|>', '[BOS]'];
const END_NAMES = ['<|endoftext|>', '</s>', '<|end_of_text|>', '<eos>', '<|eos|>', '[EOS]'];
const PAD_NAMES = ['<pad>', '<|pad|>', '<|padding|>', '[PAD]', '<|finetune_right_pad_id|>'];

/**
 * Tokenizer metadata from a byte-level BPE `tokenizer.json`. Ids without a token become unused ones.
 *
 * @param vocabSize rows of the model's embedding; padding tokens fill what the tokenizer lacks
 * @throws CheckpointError when the file is no byte-level BPE, has more ids than the model, cuts or rewrites text in a way that
 *   llama.cpp does not, or names no end token
 */
export function bytePairTokenizerMetadata(
  json: string | TokenizerJson,
  vocabSize: number,
  options: BytePairOptions = {},
): Record<string, GgufValue> {
  const file = (typeof json === 'string' ? JSON.parse(json) : json) as TokenizerJson;
  const model = byteLevelModel(file);
  const { tokens, types } = tokensOf(model.vocab, file.added_tokens ?? [], vocabSize);
  // A file of a model alone says nothing about words.
  const pre =
    options.pre ??
    (file.pre_tokenizer === undefined
      ? 'gpt-2'
      : preTokenizerName(file.pre_tokenizer ?? {}, model.ignore_merges === true));
  const around = tokensAround(file.post_processor ?? {});
  const named = (names: readonly string[]) => {
    const name = names.find((candidate) => tokens.includes(candidate));
    return name === undefined ? undefined : tokens.indexOf(name);
  };
  const eosId = options.eosId ?? around.after ?? named(END_NAMES);
  if (eosId === undefined) {
    throw new CheckpointError(
      `gguf: tokenizer.json must have an end token named ${END_NAMES.join(', ')}, got none. Pass its id as eosId.`,
    );
  }
  const bosId = options.bosId ?? around.before ?? named(BEGIN_NAMES) ?? eosId;
  const padId = options.padId ?? named(PAD_NAMES);
  const ids = { bosId, eosId, ...(padId === undefined ? {} : { padId }) };
  for (const [name, id] of Object.entries(ids)) {
    if (!Number.isInteger(id) || id < 0 || id >= vocabSize)
      throw new CheckpointError(`gguf: ${name} must be an id below vocabSize=${vocabSize}, got ${id}.`, {
        id,
        vocabSize,
      });
  }
  return {
    'tokenizer.ggml.model': { type: 'string', value: 'gpt2' },
    'tokenizer.ggml.pre': { type: 'string', value: pre },
    'tokenizer.ggml.tokens': { type: 'strings', value: tokens },
    'tokenizer.ggml.token_type': { type: 'i32s', value: types },
    'tokenizer.ggml.merges': {
      type: 'strings',
      value: model.merges.map((merge) => (typeof merge === 'string' ? merge : merge.join(' '))),
    },
    'tokenizer.ggml.bos_token_id': { type: 'u32', value: bosId },
    'tokenizer.ggml.eos_token_id': { type: 'u32', value: eosId },
    ...(padId === undefined ? {} : { 'tokenizer.ggml.padding_token_id': { type: 'u32', value: padId } as const }),
    'tokenizer.ggml.add_bos_token': {
      type: 'bool',
      value: options.bosId !== undefined || around.before !== undefined,
    },
    'tokenizer.ggml.add_eos_token': { type: 'bool', value: around.after !== undefined },
  };
}

type BytePairModel = NonNullable<TokenizerJson['model']> &
  Required<Pick<NonNullable<TokenizerJson['model']>, 'vocab' | 'merges'>>;

/** The model of a file whose tokens are bytes in GPT-2's alphabet, the only kind that llama.cpp's `gpt2` is. */
function byteLevelModel({ model, normalizer }: TokenizerJson): BytePairModel {
  if (!model?.vocab || !model.merges) {
    throw new CheckpointError(
      'gguf: tokenizer.json must hold a BPE model with vocab and merges, got none. Use a BPE tokenizer.',
    );
  }
  if (model.byte_fallback) {
    throw new CheckpointError(
      'gguf: tokenizer.json must hold a byte-level BPE model, got one with byte_fallback, whose characters are not bytes. Write it with scoredTokenizerMetadata.',
    );
  }
  if (model.continuing_subword_prefix || model.end_of_word_suffix) {
    throw new CheckpointError(
      `gguf: model must have no continuing_subword_prefix and no end_of_word_suffix, got ${JSON.stringify(model.continuing_subword_prefix ?? null)} and ${JSON.stringify(model.end_of_word_suffix ?? null)}. llama.cpp cannot say them.`,
    );
  }
  // llama.cpp does not normalize; text is NFC nearly always, and its own converter writes such files, too.
  if (normalizer && normalizer.type !== 'NFC') {
    throw new CheckpointError(
      `gguf: normalizer must be null or NFC, got ${JSON.stringify(normalizer.type)}. llama.cpp reads text as it is.`,
    );
  }
  return model as BytePairModel;
}

function tokensOf(
  vocab: Readonly<Record<string, number>>,
  added: NonNullable<TokenizerJson['added_tokens']>,
  vocabSize: number,
): { readonly tokens: string[]; readonly types: number[] } {
  const tokens = Array.from({ length: vocabSize }, (_, id) => `[PAD${id}]`);
  const types = new Array<number>(vocabSize).fill(5);
  const put = (token: string, id: number, type: number): void => {
    if (id >= vocabSize) {
      throw new CheckpointError(
        `gguf: token ids must be below vocabSize=${vocabSize}, got ${id}. Is this the model's tokenizer?`,
        {
          id,
          vocabSize,
        },
      );
    }
    tokens[id] = token;
    types[id] = type;
  };
  for (const [token, id] of Object.entries(vocab)) put(token, id, 1);
  for (const { content, id, special } of added) put(content, id, special ? 3 : 4);
  return { tokens, types };
}

/** The one token that a post-processor puts before a text and the one behind it. */
function tokensAround(part: TokenizerPart): { readonly before?: number; readonly after?: number } {
  switch (part.type) {
    case undefined:
    case 'ByteLevel':
      return {};
    case 'Sequence':
      return Object.assign({}, ...(part['processors'] as TokenizerPart[]).map(tokensAround));
    case 'TemplateProcessing':
      return templateTokens(part);
    case 'BertProcessing':
    case 'RobertaProcessing': {
      const [[, before], [, after]] = [part['cls'], part['sep']] as [[string, number], [string, number]];
      return { before, after };
    }
    default:
      throw new CheckpointError(
        `gguf: post_processor must be a template around one text, got ${JSON.stringify(part.type)}. llama.cpp cannot say it.`,
      );
  }
}

interface TemplatePiece {
  readonly Sequence?: unknown;
  readonly SpecialToken?: { readonly id: string };
}

function templateTokens(part: TokenizerPart): { readonly before?: number; readonly after?: number } {
  const pieces = part['single'] as readonly TemplatePiece[];
  const specials = part['special_tokens'] as Readonly<Record<string, { readonly ids: readonly number[] }>>;
  const text = pieces.findIndex(({ Sequence }) => Sequence !== undefined);
  const idsOf = (some: readonly TemplatePiece[]) =>
    some.flatMap(({ SpecialToken }) => specials[SpecialToken?.id ?? '']?.ids ?? []);
  const [before, after] = [idsOf(pieces.slice(0, text)), idsOf(pieces.slice(text + 1))];
  if (before.length > 1 || after.length > 1) {
    throw new CheckpointError(
      `gguf: post_processor must put at most one token before a text and one behind it, got ${before.length} and ${after.length}. llama.cpp cannot say more.`,
    );
  }
  return {
    ...(before[0] === undefined ? {} : { before: before[0] }),
    ...(after[0] === undefined ? {} : { after: after[0] }),
  };
}
