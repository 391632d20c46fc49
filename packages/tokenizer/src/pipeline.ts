import { AddedTokenFinder, type SpecialTokensMode } from './added/added-tokens.ts';
import { partOf, refuse } from './config/part.ts';
import type { AddedTokenJson, TokenizerJson } from './config/tokenizer-json.ts';
import type { EncodingBuilder } from './encoding.ts';
import { shown, TokenizerError } from './errors.ts';
import { compileNormalizer, type Normalizer } from './normalize/normalizers.ts';
import { originalPiece, originOf, type Piece, slicePiece } from './normalize/piece.ts';
import type { ByteScanner } from './split/byte-scanner.ts';
import { compilePreTokenizer, type PreTokenizer } from './split/pre-tokenizers.ts';
import { Utf8Buffer, utf8Width } from './unicode/utf8.ts';
import type { Vocabulary, WordEncoder } from './words/model.ts';
import type { ReadModel } from './words/read-model.ts';

/**
 * Text to tokens, without what a post-processor adds: added tokens are cut out, the rest is normalized, cut into words, and
 * merged. Text that needs no normalizing and whose pattern is known goes through as bytes, from scanner to word cache.
 */
export class Pipeline {
  readonly preTokenizer: PreTokenizer;
  readonly addedTokens: readonly AddedTokenJson[];
  /** What an added token is in the text that is searched for it, and when decoded. */
  readonly contentOf: (token: AddedTokenJson) => string;
  readonly #normalizer: Normalizer | undefined;
  readonly #words: WordEncoder;
  readonly #rawTokens: AddedTokenFinder;
  readonly #normalizedTokens: AddedTokenFinder;
  readonly #buffer = new Utf8Buffer();

  constructor(config: TokenizerJson, model: ReadModel) {
    const parts = config as unknown as Readonly<Record<string, unknown>>;
    const normalizerPart = partOf(parts, 'normalizer');
    const normalizer = normalizerPart && compileNormalizer(normalizerPart);
    this.#normalizer = normalizer;
    this.preTokenizer = compilePreTokenizer(partOf(parts, 'pre_tokenizer'), model.allowsBytes);
    this.#words = model.createEncoder(this.preTokenizer.alphabet);
    this.addedTokens = identified(config.added_tokens ?? [], model.vocabulary);
    // A file may leave the flag out: then special tokens are matched as they stand, others after normalizing.
    const isNormalized = (token: AddedTokenJson) => token.normalized ?? !token.special;
    this.contentOf = (token) =>
      normalizer && isNormalized(token) ? normalizer.apply({ text: token.content, origin: null }).text : token.content;
    this.#rawTokens = new AddedTokenFinder(this.addedTokens.filter((token) => !isNormalized(token)));
    const normalized = this.addedTokens.filter(isNormalized);
    for (const token of normalized) {
      if (this.contentOf(token) === '')
        refuse(
          'added_tokens',
          `must not be normalized to nothing, got ${shown(token.content)}. Set its normalized to false.`,
        );
    }
    this.#normalizedTokens = new AddedTokenFinder(normalized, this.contentOf);
  }

  /** Appends the tokens of `text` to `out`. Offsets count from the text's start in UTF-16. */
  encode(text: string, mode: SpecialTokensMode, out: EncodingBuilder): void {
    const spans = this.#rawTokens.split(text, mode);
    if (!spans) {
      this.#encodePlain(originalText(text), mode, out);
      return;
    }
    for (const { token, start, end } of spans) {
      if (token) this.#pushAdded(token, start, end, text.slice(start, end), mode, out);
      else this.#encodePlain({ source: text, start, end }, mode, out);
    }
  }

  /** Text without raw added tokens: normalizes it and cuts out the added tokens that are matched after that. */
  #encodePlain(part: TextPart, mode: SpecialTokensMode, out: EncodingBuilder): void {
    const { source, start, end } = part;
    const text = start === 0 && end === source.length ? source : source.slice(start, end);
    if (text === '') return;
    const isKept = !this.#normalizer || this.#normalizer.keeps(text);
    const { scanner } = this.preTokenizer;
    const piece = isKept && scanner ? undefined : this.#normalized(part, out.isTracked);
    const spans = this.#normalizedTokens.split(piece ? piece.text : text, mode);
    if (!spans) {
      if (piece) this.#encodePiece(slicePiece(piece, 0, piece.text.length), out);
      else this.#encodeBytes(text, scanner as ByteScanner, start, out);
      return;
    }
    for (const span of spans) {
      if (span.token) {
        const [from, to] = piece ? originOf(piece, span.start, span.end) : [start + span.start, start + span.end];
        this.#pushAdded(span.token, from, to, (piece?.text ?? text).slice(span.start, span.end), mode, out);
      } else if (piece) this.#encodePiece(slicePiece(piece, span.start, span.end), out);
      else this.#encodeBytes(text.slice(span.start, span.end), scanner as ByteScanner, start + span.start, out);
    }
  }

  #normalized({ source, start, end }: TextPart, isTracked: boolean): Piece {
    const piece = originalPiece(wellFormed(source), start, end, isTracked || this.preTokenizer.asksOrigin);
    return this.#normalizer ? this.#normalizer.apply(piece) : piece;
  }

  /** @param matched the token and the spaces it takes, as they stand in the text that was searched */
  #pushAdded(
    token: AddedTokenJson,
    start: number,
    end: number,
    matched: string,
    mode: SpecialTokensMode,
    out: EncodingBuilder,
  ): void {
    if (mode === 'refuse' && token.special) {
      throw new TokenizerError(
        'encode',
        `text must not contain special tokens, got ${shown(token.content)} at position ${start}. Pass specialTokens: 'text' to read it as plain text or 'encode' to encode it.`,
        { place: start },
      );
    }
    out.pushText(token.id, start, end, matched);
  }

  /** The fast path: plain text, a scanner, no strings on the way. */
  #encodeBytes(text: string, scanner: ByteScanner, base: number, out: EncodingBuilder): void {
    const prefixed = this.preTokenizer.addsPrefixSpace && text.charCodeAt(0) !== 0x20;
    const length = this.#buffer.write(prefixed ? ` ${text}` : text);
    const { bytes, view } = this.#buffer;
    const words = this.#words;
    if (!out.isTracked) {
      for (let at = 0; at < length; ) {
        const end = scanner(bytes, at, length);
        words.append(bytes, view, at, end, out);
        at = end;
      }
      return;
    }
    const cursor = new OffsetCursor(bytes, length, base, prefixed ? 1 : 0);
    for (let at = 0; at < length; ) {
      const end = scanner(bytes, at, length);
      const count = words.encodeSpans(bytes, at, end);
      for (let i = 0; i < count; i++) {
        const start = cursor.start(at + (words.starts[i] as number));
        out.push(words.ids[i] as number, start, cursor.end(at + (words.ends[i] as number)));
      }
      at = end;
    }
  }

  /** The general path: words as pieces, each with where it came from. */
  #encodePiece(piece: Piece, out: EncodingBuilder): void {
    for (const word of this.preTokenizer.split(piece)) {
      const length = this.#buffer.write(word.text);
      const { bytes, view } = this.#buffer;
      if (!out.isTracked) {
        this.#words.append(bytes, view, 0, length, out);
        continue;
      }
      const words = this.#words;
      const count = words.encodeSpans(bytes, 0, length);
      const cursor = new OffsetCursor(bytes, length, 0, 0);
      let [last, start, end] = [-1, 0, 0];
      for (let i = 0; i < count; i++) {
        // Tokens for the bytes of one stretch all stand for the stretch; the cursor does not go back.
        if ((words.starts[i] as number) !== last) {
          last = words.starts[i] as number;
          [start, end] = originOf(word, cursor.start(last), cursor.end(words.ends[i] as number));
        }
        const id = words.ids[i] as number;
        if (id === words.shownAsText)
          out.pushText(id, start, end, utf8.decode(bytes.subarray(last, words.ends[i] as number)));
        else out.push(id, start, end);
      }
    }
  }
}

/**
 * Added tokens with the ids that they have: one that the vocabulary has, too, keeps its id there, as in the official library.
 *
 * @throws {TokenizerError} an id that another token of the vocabulary has
 */
function identified(added: readonly AddedTokenJson[], { tokens, ids }: Vocabulary): readonly AddedTokenJson[] {
  // The official library leaves out tokens without text.
  return added.flatMap((token, index) => {
    if (token.content === '') return [];
    const id = ids.get(token.content) ?? token.id;
    const other = tokens[id];
    if (other !== undefined && other !== token.content)
      refuse(
        `added_tokens[${index}].id`,
        `must not be the id of another token, got ${id} for ${shown(token.content)}, the id of ${shown(other)} in model.vocab.`,
      );
    return [{ ...token, id }];
  });
}

interface TextPart {
  readonly source: string;
  readonly start: number;
  readonly end: number;
}

const originalText = (text: string): TextPart => ({ source: text, start: 0, end: text.length });
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const LONE_SURROGATE = /[\ud800-\udfff]/gu;
/** Lone surrogates as U+FFFD, which is what they become as UTF-8; positions stay the same. */
const wellFormed = (text: string) => text.replace(LONE_SURROGATE, '\ufffd');

/** Turns rising byte positions into UTF-16 positions: starts round down to a character, ends up. */
class OffsetCursor {
  readonly #bytes: Uint8Array;
  readonly #length: number;
  readonly #prefix: number;
  #byte: number;
  #unit: number;

  /** @param prefix bytes at the front that are not in the text; they stand for its first character */
  constructor(bytes: Uint8Array, length: number, base: number, prefix: number) {
    this.#bytes = bytes;
    this.#length = length;
    this.#prefix = prefix;
    this.#byte = prefix;
    this.#unit = base;
  }

  start(at: number): number {
    this.#advance(at);
    return this.#unit;
  }

  end(at: number): number {
    // The prefix alone: it stands for the first character, where the next token starts.
    if (at <= this.#prefix) return this.#unit + unitsOf(this.#bytes[this.#byte] as number);
    this.#advance(at);
    return this.#byte < at ? this.#unit + unitsOf(this.#bytes[this.#byte] as number) : this.#unit;
  }

  #advance(target: number): void {
    while (this.#byte < this.#length) {
      const first = this.#bytes[this.#byte] as number;
      const next = this.#byte + utf8Width(first);
      if (next > target) return;
      this.#byte = next;
      this.#unit += unitsOf(first);
    }
  }
}

const unitsOf = (firstByte: number) => (firstByte >= 0xf0 ? 2 : 1);
