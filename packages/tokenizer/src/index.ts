export type { SpecialTokensMode } from './added/added-tokens.ts';
export { byteAlphabet } from './bpe/byte-alphabet.ts';
export type { DecodeStream } from './decode/decode-stream.ts';
export { DocumentHash, documentHash } from './document-hash.ts';
export type { Encoding, OffsetUnit } from './encoding.ts';
export { DataError, TokenizerError } from './errors.ts';
export type { GgufKeys } from './formats/gguf.ts';
export type { TiktokenOptions } from './formats/tiktoken.ts';
export { type PatternName, patterns } from './split/known-patterns.ts';
export type { EncodeStream } from './stream/encode-stream.ts';
export {
  type DecodeOptions,
  type EncodeOptions,
  type OffsetOptions,
  type TextOptions,
  Tokenizer,
} from './tokenizer.ts';
export { type TrainOptions, type TrainProgress, trainBpe } from './train/train-bpe.ts';
