import { type Part, refuse } from '../config/part.ts';
import { shown, TokenizerError } from '../errors.ts';
import { utf8Width } from '../unicode/utf8.ts';
import { ByteTrie } from './byte-trie.ts';
import { CachedEncoder } from './cached-encoder.ts';
import type { Vocabulary } from './model.ts';
import { byteTokens, checkPieces } from './pieces.ts';

/** How much worse than the worst piece an unknown character scores. */
const UNKNOWN_PENALTY = 10;
const encoder = new TextEncoder();

/** Pieces with log-probabilities (SentencePiece's Unigram: T5, XLM-R, ALBERT), unpacked from a file. */
export class UnigramModel implements Vocabulary {
  readonly tokens: readonly string[];
  /** Of pieces that are written alike, the last has the name, as in the official library. */
  readonly ids = new Map<string, number>();
  readonly scores: Float64Array;
  readonly unknownId: number;
  readonly unknownScore: number;
  /** Ids of `<0x00>` to `<0xFF>`, -1 where there is none; undefined when the model does not use them. */
  readonly byteIds: Int32Array | undefined;

  /** @throws {TokenizerError} a vocabulary that is not pairs of piece and score, an unknown id outside it */
  constructor(part: Part) {
    const pairs = part.list('vocab').map((pair, id) => pieceAndScore(pair, `${part.place}.vocab[${id}]`));
    this.tokens = pairs.map(([token]) => token);
    checkPieces(this.tokens, (index) => `${part.place}.vocab[${index}]`);
    this.scores = Float64Array.from(pairs, ([, score]) => score);
    for (const [id, token] of this.tokens.entries()) this.ids.set(token, id);
    this.unknownId = part.integer('unk_id', [-1, Math.max(-1, this.tokens.length - 1)], -1);
    if (part.get('unk_id') === -1) refuse(`${part.place}.unk_id`, 'must be null or an id of the vocabulary, got -1.');
    this.unknownScore = this.scores.reduce((least, score) => Math.min(least, score), Infinity) - UNKNOWN_PENALTY;
    this.byteIds = part.flag('byte_fallback', false) ? byteTokens(this.ids) : undefined;
  }
}

function pieceAndScore(pair: unknown, place: string): readonly [string, number] {
  if (Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string' && Number.isFinite(pair[1]))
    return pair as unknown as readonly [string, number];
  refuse(place, `must be a piece and its score, got ${shown(pair)}.`);
}

/**
 * Cuts a word into the pieces whose scores have the largest sum (Viterbi over a trie). A character that is no piece is an unknown
 * one; neighbours of those are one token, which may fall back to bytes.
 *
 * Reference: huggingface/tokenizers, `models/unigram/model.rs`, `encode_optimized`.
 */
export class UnigramEncoder extends CachedEncoder {
  override readonly shownAsText: number;
  readonly #model: UnigramModel;
  readonly #trie = new ByteTrie();
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  /** For each byte position of the word: score, start and id of the last piece on the best way there. */
  #scores = new Float64Array(256);
  #from = new Int32Array(256);
  #ids = new Int32Array(256);
  /** Where the pieces on the best way end, last first. */
  #bounds: number[] = [];

  constructor(model: UnigramModel) {
    super();
    this.#model = model;
    this.shownAsText = model.unknownId;
    for (const [id, token] of model.tokens.entries()) this.#trie.set(encoder.encode(token), id);
  }

  protected override encodeWord(bytes: Uint8Array, start: number, end: number): void {
    const size = end - start;
    if (this.#from.length <= size) {
      this.#scores = new Float64Array(size + 1);
      this.#from = new Int32Array(size + 1);
      this.#ids = new Int32Array(size + 1);
    }
    this.#findBest(bytes, start, end);
    this.#collectBounds(size);
    const bounds = this.#bounds;
    for (let i = bounds.length - 1; i > 0; i--)
      this.#pushPiece(bytes, start, bounds[i] as number, bounds[i - 1] as number);
  }

  #findBest(bytes: Uint8Array, start: number, end: number): void {
    const { scores: pieceScores, unknownId, unknownScore } = this.#model;
    const [trie, scores, from, ids] = [this.#trie, this.#scores, this.#from, this.#ids];
    const size = end - start;
    from.fill(-1, 0, size + 1);
    scores[0] = 0;
    for (let at = 0; at < size; ) {
      const width = utf8Width(bytes[start + at] as number);
      const before = scores[at] as number;
      let hasCharacter = false;
      let node = trie.step(0, bytes[start + at] as number);
      for (let stop = at + 1; node >= 0; stop++) {
        const id = trie.valueAt(node);
        if (id >= 0) {
          const score = before + (pieceScores[id] as number);
          if (from[stop] === -1 || score > (scores[stop] as number)) {
            scores[stop] = score;
            from[stop] = at;
            ids[stop] = id;
          }
          if (stop - at === width) hasCharacter = true;
        }
        if (stop >= size) break;
        node = trie.step(node, bytes[start + stop] as number);
      }
      const next = at + width;
      if (!hasCharacter && (from[next] === -1 || before + unknownScore > (scores[next] as number))) {
        if (unknownId < 0) this.#refuseUnknown(bytes.subarray(start + at, start + next));
        scores[next] = before + unknownScore;
        from[next] = at;
        ids[next] = unknownId;
      }
      at = next;
    }
  }

  #collectBounds(size: number): void {
    const { unknownId } = this.#model;
    this.#bounds = [size];
    for (let at = size; at > 0; ) {
      const isUnknown = this.#ids[at] === unknownId;
      at = this.#from[at] as number;
      while (isUnknown && at > 0 && this.#ids[at] === unknownId) at = this.#from[at] as number;
      this.#bounds.push(at);
    }
  }

  /** A piece by its text: unknown characters side by side may spell a piece. */
  #pushPiece(bytes: Uint8Array, word: number, start: number, end: number): void {
    const { unknownId, byteIds } = this.#model;
    if (this.#ids[end] !== unknownId || unknownId < 0) {
      this.push(this.#ids[end] as number, start, end);
      return;
    }
    const text = bytes.subarray(word + start, word + end);
    const known = this.#model.ids.get(this.#decoder.decode(text));
    if (known === undefined && byteIds && text.every((byte) => (byteIds[byte] as number) >= 0)) {
      for (const byte of text) this.push(byteIds[byte] as number, start, end);
    } else this.push(known ?? unknownId, start, end);
  }

  #refuseUnknown(bytes: Uint8Array): never {
    throw new TokenizerError(
      'encode',
      `text must be of the pieces of a vocabulary without an unknown token, got ${shown(this.#decoder.decode(bytes))}. Set model.unk_id.`,
    );
  }
}
