import type { SpecialTokensMode } from './added/added-tokens.ts';
import { Backend } from './backend.ts';
import { withOfficialIds } from './config/official-ids.ts';
import { readTokenizerJson } from './config/read-json.ts';
import type { PaddingJson, TokenizerJson, TruncationJson } from './config/tokenizer-json.ts';
import type { DecodeStream } from './decode/decode-stream.ts';
import { type Encoding, type OffsetUnit, withOffsetUnit } from './encoding.ts';
import { shown, TokenizerError } from './errors.ts';
import { type GgufKeys, readGgufTokenizer } from './formats/gguf.ts';
import { readLlama2c } from './formats/llama2c.ts';
import { readTiktoken, type TiktokenOptions } from './formats/tiktoken.ts';
import { pad, paddedLength, truncate } from './post/truncate-and-pad.ts';
import { createEncodeStream, type EncodeStream } from './stream/encode-stream.ts';
import { lastSafeCut } from './stream/safe-cut.ts';

export interface TextOptions {
  /**
   * Special tokens that occur in the text: `encode` them (the default, as in the official library), read them as plain
   * `text`, or `refuse` the text.
   */
  readonly specialTokens?: SpecialTokensMode;
  /** Whether the post-processor may put in tokens such as a start of text. Default true. */
  readonly addSpecialTokens?: boolean;
}

export interface EncodeOptions extends TextOptions {
  /** Cut to the length that the file's `truncation` names. Default false: what a file says is not obeyed unasked. */
  readonly truncate?: boolean;
  /** Fill up as the file's `padding` says. Default false. */
  readonly pad?: boolean;
}

export interface OffsetOptions extends EncodeOptions {
  /** Default `utf16`: `text.slice(start, end)` is the token's text. */
  readonly unit?: OffsetUnit;
}

export interface DecodeOptions {
  /** Leave special tokens out. Default false. */
  readonly skipSpecialTokens?: boolean;
}

/**
 * Text to token ids and back, id for id as the official `tokenizers` library does it.
 *
 * Make one with `Tokenizer.fromJson`, `fromTiktoken`, `fromLlama2c`, `fromGguf` or `trainBpe`. An instance keeps scratch memory and a word
 * cache (at most some 20 MB), and is not shared between threads; give each worker its own through `toJson`.
 */
export class Tokenizer {
  readonly #config: TokenizerJson;
  readonly #backend: Backend;

  private constructor(config: TokenizerJson, backend: Backend) {
    this.#config = config;
    this.#backend = backend;
  }

  /**
   * Reads a `tokenizer.json`, as text or parsed.
   *
   * @throws {TokenizerError} malformed JSON, merges of missing tokens, parts of unknown kinds; the message names the place
   */
  static fromJson(json: string | object): Tokenizer {
    const config = readTokenizerJson(json);
    return new Tokenizer(config, new Backend(config));
  }

  /**
   * Reads a tiktoken rank file: lines of a base64 token and its rank.
   *
   * @throws {TokenizerError} a line that is neither, naming its number
   */
  static fromTiktoken(ranks: string, options: TiktokenOptions): Tokenizer {
    const { config, mergeRanks } = readTiktoken(ranks, options);
    return new Tokenizer(config, new Backend(config, mergeRanks));
  }

  /**
   * Reads llama2.c's `tokenizer.bin` of `vocabSize` tokens. Ids 1 and 2 start and end a text.
   *
   * @throws {TokenizerError} a file that is cut short
   */
  static fromLlama2c(bytes: Uint8Array, vocabSize: number): Tokenizer {
    const { config, mergeRanks } = readLlama2c(bytes, vocabSize);
    return new Tokenizer(config, new Backend(config, mergeRanks));
  }

  /**
   * Reads the tokenizer of a GGUF file from the file's keys (`tokenizer.ggml.*`): SentencePiece's BPE (`llama`) or byte-level BPE
   * (`gpt2`), token for token as llama.cpp. Tokens of equal score merge from the left; saved as `tokenizer.json`, by id.
   *
   * @throws {TokenizerError} another kind, a way to cut words that is not known, keys that are missing or contradict one another
   */
  static fromGguf(keys: GgufKeys): Tokenizer {
    const converted = readGgufTokenizer(keys);
    const config = readTokenizerJson(converted.config);
    return new Tokenizer(config, new Backend(config, 'mergeRanks' in converted ? converted.mergeRanks : undefined));
  }

  /** One more than the largest id. */
  get vocabSize(): number {
    return this.#backend.vocabSize;
  }

  /**
   * The token ids of `text`. Lone surrogates are read as U+FFFD.
   *
   * @throws {TokenizerError} a special token in the text when `specialTokens` is `refuse`; `truncate` or `pad` asked of a file
   *   without such a rule
   */
  encode(text: string, options: EncodeOptions = {}): Int32Array {
    if (options.truncate || options.pad) return this.#encodeOne(text, options, false).ids;
    return this.#backend.encodeIds(checked(text), options.specialTokens ?? 'encode', options.addSpecialTokens ?? true);
  }

  /** As `encode`, with the place of each token in `text`. */
  encodeWithOffsets(text: string, options: OffsetOptions = {}): Encoding {
    return withOffsetUnit(this.#encodeOne(text, options, true), text, options.unit ?? 'utf16');
  }

  /** As `encode` for many texts; padded by a rule `BatchLongest` all come out equally long. */
  encodeBatch(texts: readonly string[], options: EncodeOptions = {}): Int32Array[] {
    if (!options.pad) return texts.map((text) => this.encode(text, options));
    const padding = this.#padding();
    const encodings = texts.map((text) => this.#truncated(text, options, false));
    const longest = encodings.reduce((most, { ids }) => Math.max(most, ids.length), 0);
    return encodings.map((encoding) => pad(encoding, padding, paddedLength(padding, longest)).ids);
  }

  /** How many tokens `encode` gives. */
  countTokens(text: string, options: EncodeOptions = {}): number {
    if (options.truncate || options.pad) return this.encode(text, options).length;
    return this.#backend.countTokens(
      checked(text),
      options.specialTokens ?? 'encode',
      options.addSpecialTokens ?? true,
    );
  }

  /**
   * The text of token ids. Bytes that are not UTF-8 become U+FFFD.
   *
   * @throws {TokenizerError} an id that no token has
   */
  decode(ids: ArrayLike<number>, options: DecodeOptions = {}): string {
    return this.#backend.decode(ids, options.skipSpecialTokens ?? false);
  }

  /** Decodes ids as they come; see `DecodeStream`. */
  createDecodeStream(options: DecodeOptions = {}): DecodeStream {
    return this.#backend.createDecodeStream(options.skipSpecialTokens ?? false);
  }

  /**
   * Encodes a text that comes in parts and need not fit in memory; the ids joined are those of the whole text.
   *
   * @throws {TokenizerError} a tokenizer that does not cut text before spaces
   */
  createEncodeStream(options: TextOptions = {}): EncodeStream {
    return createEncodeStream(this.#backend, options);
  }

  /**
   * The last place where `text` may be cut so that its parts, encoded one by one, give the ids of the whole (without what a
   * post-processor adds), whatever follows; 0 when there is none.
   */
  safeCut(text: string): number {
    if (!this.#backend.cutsBeforeSpaces) return 0;
    return lastSafeCut(
      text,
      this.#backend.addedTokens.map(({ content }) => content),
    );
  }

  /** The ids that the file puts before every text, such as a start of text; often none. */
  get tokensBefore(): readonly number[] {
    return this.#backend.before;
  }

  /** The ids that the file puts behind every text, such as an end of text; often none. */
  get tokensAfter(): readonly number[] {
    return this.#backend.after;
  }

  /** The id of a token as it is written in the vocabulary (byte-level: in the byte alphabet, `Ġthe`). */
  idOf(token: string): number | undefined {
    return this.#backend.idOf(token);
  }

  /** The token of an id, as it is written in the vocabulary. */
  tokenOf(id: number): string | undefined {
    return this.#backend.tokenOf(id);
  }

  /**
   * The bytes an id stands for in decoded text.
   *
   * @throws {TokenizerError} an id that no token has
   */
  bytesOf(id: number): Uint8Array {
    return this.#backend.bytesOf(id);
  }

  /** Whether an id is a special token. */
  isSpecial(id: number): boolean {
    return this.#backend.isSpecial(id);
  }

  /**
   * A `tokenizer.json` that this package and the official library load with the same results.
   *
   * @throws {TokenizerError} added tokens whose ids do not follow the vocabulary of a model that is no BPE
   */
  toJson(): string {
    return JSON.stringify(withOfficialIds(this.#config));
  }

  #encodeOne(text: string, options: EncodeOptions, isTracked: boolean): Encoding {
    const encoding = this.#truncated(text, options, isTracked);
    if (!options.pad) return encoding;
    const padding = this.#padding();
    return pad(encoding, padding, paddedLength(padding, encoding.ids.length));
  }

  #truncated(text: string, options: EncodeOptions, isTracked: boolean): Encoding {
    const adds = options.addSpecialTokens ?? true;
    const raw = this.#backend.encodeRaw(checked(text), options.specialTokens ?? 'encode', isTracked);
    const room = adds ? this.#backend.before.length + this.#backend.after.length : 0;
    return this.#backend.postProcess(options.truncate ? truncate(raw, this.#truncation(), room) : raw, adds, text);
  }

  #truncation(): TruncationJson {
    return this.#config.truncation ?? refuseRule('truncate', 'truncation');
  }

  #padding(): PaddingJson {
    return this.#config.padding ?? refuseRule('pad', 'padding');
  }
}

function checked(text: string): string {
  if (typeof text !== 'string') throw new TokenizerError('encode', `text must be a string, got ${shown(text)}.`);
  return text;
}

function refuseRule(option: string, rule: string): never {
  throw new TokenizerError(
    'encode',
    `${option} must be asked of a tokenizer.json with a ${rule} rule, got a file without one. Cut or fill the ids yourself.`,
  );
}
