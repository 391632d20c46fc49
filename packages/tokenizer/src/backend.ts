import type { SpecialTokensMode } from './added/added-tokens.ts';
import { alphabetToBytes } from './bpe/byte-alphabet.ts';
import { Part, partOf } from './config/part.ts';
import type { AddedTokenJson, TokenizerJson } from './config/tokenizer-json.ts';
import { fallbackByte } from './decode/byte-fallback.ts';
import { byteDecodeStream, type DecodeStream, stepDecodeStream } from './decode/decode-stream.ts';
import { compileDecoder } from './decode/decoders.ts';
import { ofTokens, type Step } from './decode/stage.ts';
import { type Encoding, EncodingBuilder, type RawEncoding } from './encoding.ts';
import { shown, TokenizerError } from './errors.ts';
import { Pipeline } from './pipeline.ts';
import { compilePostProcessor, noPostProcessor, type PostProcessor, surround } from './post/post-processors.ts';
import type { Vocabulary } from './words/model.ts';
import { readModel } from './words/read-model.ts';

const encoder = new TextEncoder();
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const NOTHING = new Uint8Array(0);
/** Without a decoder tokens are shown with spaces between them. */
const spaced: Step = ofTokens(false, (token, index) => (index === 0 ? token : ` ${token}`));

/** The parts of a file, ready to encode and decode. */
export class Backend {
  /** One more than the largest id. */
  readonly vocabSize: number;
  /** Whether decoding is putting the bytes of tokens one behind the other. */
  readonly decodesBytes: boolean;
  /** Whether words never reach over a space that follows a letter, so that text may be encoded in parts. */
  readonly cutsBeforeSpaces: boolean;
  readonly #pipeline: Pipeline;
  readonly #vocabulary: Vocabulary;
  readonly #postProcessor: PostProcessor;
  readonly #decoder: Step;
  readonly #addedIds = new Map<string, number>();
  /** Of added tokens, which stand before a token of the vocabulary with the same id. */
  readonly #addedTokens = new Map<number, string>();
  /** What added tokens are in decoded text. */
  readonly #addedText = new Map<number, string>();
  readonly #special = new Set<number>();
  readonly #isByteLevel: boolean;
  readonly #fallsBackToBytes: boolean;
  readonly #bytes: (Uint8Array | undefined)[] = [];

  constructor(config: TokenizerJson, mergeRanks?: ArrayLike<number>) {
    const parts = config as unknown as Readonly<Record<string, unknown>>;
    const model = readModel(new Part(config.model, 'model'), mergeRanks);
    this.#vocabulary = model.vocabulary;
    this.#fallsBackToBytes = model.fallsBackToBytes;
    this.#pipeline = new Pipeline(config, model);
    // Ids may lie far apart: nothing goes through all ids up to the largest.
    let vocabSize = model.vocabulary.tokens.length;
    for (const token of this.#pipeline.addedTokens) {
      vocabSize = Math.max(vocabSize, token.id + 1);
      this.#addedTokens.set(token.id, token.content);
      this.#addedIds.set(token.content, token.id);
      this.#addedText.set(token.id, this.#pipeline.contentOf(token));
      if (token.special) this.#special.add(token.id);
    }
    this.vocabSize = vocabSize;
    const postProcessor = partOf(parts, 'post_processor');
    this.#postProcessor = postProcessor
      ? compilePostProcessor(postProcessor, (id) => model.vocabulary.tokens[id] ?? '')
      : noPostProcessor;
    const decoder = partOf(parts, 'decoder');
    this.#decoder = decoder ? compileDecoder(decoder) : spaced;
    this.decodesBytes = decoder?.type === 'ByteLevel';
    this.#isByteLevel = this.decodesBytes || this.#pipeline.preTokenizer.alphabet === 'bytes';
    this.cutsBeforeSpaces =
      this.#pipeline.preTokenizer.scanner !== undefined &&
      !this.#pipeline.preTokenizer.addsPrefixSpace &&
      (!config.normalizer || /^(NFK?[CD]|Lowercase)$/.test(config.normalizer.type));
  }

  get addedTokens(): readonly AddedTokenJson[] {
    return this.#pipeline.addedTokens;
  }

  /** Token ids that the post-processor puts before and after a text. */
  get before(): readonly number[] {
    return this.#postProcessor.before;
  }

  get after(): readonly number[] {
    return this.#postProcessor.after;
  }

  encodeIds(text: string, mode: SpecialTokensMode, adds: boolean): Int32Array {
    const builder = new EncodingBuilder(false);
    if (adds) for (const id of this.before) builder.push(id, 0, 0);
    this.#pipeline.encode(text, mode, builder);
    if (adds) for (const id of this.after) builder.push(id, 0, 0);
    return builder.takeIds();
  }

  countTokens(text: string, mode: SpecialTokensMode, adds: boolean): number {
    return this.#encode(text, mode, false).length + (adds ? this.before.length + this.after.length : 0);
  }

  /** Tokens of the text alone, offsets in UTF-16. */
  encodeRaw(text: string, mode: SpecialTokensMode, isTracked: boolean): RawEncoding {
    return this.#encode(text, mode, isTracked).takeEncoding();
  }

  #encode(text: string, mode: SpecialTokensMode, isTracked: boolean): EncodingBuilder {
    const builder = new EncodingBuilder(isTracked);
    this.#pipeline.encode(text, mode, builder);
    return builder;
  }

  /** @param text the caller's text, for offsets */
  postProcess(encoding: RawEncoding, adds: boolean, text: string): Encoding {
    const trimmed = this.#postProcessor.trim(encoding, text);
    return adds ? surround(trimmed, this.before, this.after) : trimmed;
  }

  decode(ids: ArrayLike<number>, skipsSpecial: boolean): string {
    return this.decodesBytes ? this.#decodeBytes(ids, skipsSpecial) : this.#decodeTokens(ids, skipsSpecial);
  }

  /** Decodes ids as they come: the pieces joined are what `decode` gives. */
  createDecodeStream(skipsSpecial: boolean): DecodeStream {
    const skips = (id: number) => skipsSpecial && this.#special.has(id);
    return this.decodesBytes
      ? byteDecodeStream((id) => (skips(id) ? NOTHING : this.#bytesAt(id)))
      : stepDecodeStream(this.#decoder, (id) => (skips(id) ? undefined : this.#known(id)));
  }

  #decodeTokens(ids: ArrayLike<number>, skipsSpecial: boolean): string {
    let text = '';
    const stage = this.#decoder.open((piece) => {
      text += piece;
    });
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] as number;
      if (!(skipsSpecial && this.#special.has(id))) stage.push(this.#known(id, i));
    }
    stage.end();
    return text;
  }

  #decodeBytes(ids: ArrayLike<number>, skipsSpecial: boolean): string {
    let length = 0;
    for (let i = 0; i < ids.length; i++)
      length += (this.#bytes[ids[i] as number] ?? this.#bytesAt(ids[i] as number, i)).length;
    const bytes = new Uint8Array(length);
    let end = 0;
    for (let i = 0; i < ids.length; i++) {
      if (skipsSpecial && this.#special.has(ids[i] as number)) continue;
      const part = this.#bytes[ids[i] as number] as Uint8Array;
      for (let k = 0; k < part.length; k++) bytes[end++] = part[k] as number;
    }
    return utf8.decode(bytes.subarray(0, end));
  }

  bytesOf(id: number): Uint8Array {
    return this.#bytesAt(id);
  }

  #bytesAt(id: number, index?: number): Uint8Array {
    const made = this.#bytes[id];
    if (made) return made;
    const token = this.#known(id, index);
    const fallback = this.#fallsBackToBytes ? fallbackByte(token) : undefined;
    const bytes = this.#isByteLevel
      ? alphabetToBytes(token)
      : fallback !== undefined
        ? Uint8Array.of(fallback)
        : encoder.encode(token.replaceAll('▁', ' '));
    this.#bytes[id] = bytes;
    return bytes;
  }

  #known(id: number, index?: number): string {
    const token = this.#addedText.get(id) ?? this.#vocabulary.tokens[id];
    if (token === undefined) {
      const where = index === undefined ? '' : ` at index ${index}`;
      throw new TokenizerError(
        'decode',
        `ids must be of the vocabulary of ${this.vocabSize}, got ${shown(id)}${where}. Is this another model's tokenizer?`,
        {
          place: index,
        },
      );
    }
    return token;
  }

  idOf(token: string): number | undefined {
    return this.#addedIds.get(token) ?? this.#vocabulary.ids.get(token);
  }

  tokenOf(id: number): string | undefined {
    return this.#addedTokens.get(id) ?? this.#vocabulary.tokens[id];
  }

  isSpecial(id: number): boolean {
    return this.#special.has(id);
  }
}
