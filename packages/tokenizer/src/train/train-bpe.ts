import { alphabetToBytes, byteAlphabet, byteToChar, charCodeToByte } from '../bpe/byte-alphabet.ts';
import { Part } from '../config/part.ts';
import { shown, TokenizerError } from '../errors.ts';
import { bpeModel, vocabOf } from '../formats/bpe-model.ts';
import { byteLevelDecoder, patternPreTokenizer } from '../formats/tiktoken.ts';
import type { PatternName } from '../split/known-patterns.ts';
import { compilePreTokenizer, type PreTokenizer } from '../split/pre-tokenizers.ts';
import { Tokenizer } from '../tokenizer.ts';
import { Utf8Buffer } from '../unicode/utf8.ts';
import { learnMerges, type TrainingWords } from './learn-merges.ts';
import { WordCounter } from './word-counter.ts';

/** Where a training stands: bytes read so far, then tokens of the vocabulary so far. */
export type TrainProgress =
  | { readonly stage: 'count'; readonly texts: number; readonly sizeBytes: number; readonly words: number }
  | { readonly stage: 'merge'; readonly tokens: number; readonly vocabSize: number };

export interface TrainOptions {
  /** Tokens to end with: special tokens, alphabet and merges together. Fewer when the text has no more pairs. */
  readonly vocabSize: number;
  /** Pairs that occur less often are not merged. Default 0, as in the official trainer. */
  readonly minFrequency?: number;
  /** Tokens that get the first ids and are never taken apart. */
  readonly specialTokens?: readonly string[];
  /** How text is cut into words: a known pattern by name (default `cl100k`) or a regular expression. */
  readonly pattern?: PatternName | (string & {});
  /** Byte-alphabet characters that are tokens whether seen or not. Default all 256, so that any text can be encoded. */
  readonly initialAlphabet?: readonly string[];
  /** Distinct words kept at most, default 8 million; past it the rarest are forgotten and results may differ. */
  readonly maxWords?: number;
  readonly onProgress?: (progress: TrainProgress) => void;
}

/**
 * Trains a byte-level BPE tokenizer whose merges are those of the official trainer. Texts are read once and not kept; memory
 * grows with distinct words. The same texts in any order give the same tokenizer.
 *
 * @param texts documents; words never reach from one into the next
 * @returns the tokenizer, or a promise of it when the texts come asynchronously
 * @throws {TokenizerError} a vocabulary too small for its alphabet, a special token given twice, no text at all
 */
export function trainBpe(texts: Iterable<string>, options: TrainOptions): Tokenizer;
export function trainBpe(texts: AsyncIterable<string>, options: TrainOptions): Promise<Tokenizer>;
export function trainBpe(
  texts: Iterable<string> | AsyncIterable<string>,
  options: TrainOptions,
): Tokenizer | Promise<Tokenizer> {
  const training = new Training(options);
  if (Symbol.asyncIterator in texts) {
    return (async () => {
      for await (const text of texts) training.read(text);
      return training.finish();
    })();
  }
  for (const text of texts) training.read(text);
  return training.finish();
}

/** Texts between two progress calls. */
const PROGRESS_BYTES = 1 << 20;
const PROGRESS_TOKENS = 256;

class Training {
  readonly #options: TrainOptions;
  readonly #preTokenizer: PreTokenizer;
  readonly #words: WordCounter;
  readonly #buffer = new Utf8Buffer();
  readonly #initialTokens: string[];
  #texts = 0;
  #sizeBytes = 0;
  #reportedBytes = 0;

  constructor(options: TrainOptions) {
    this.#options = options;
    this.#initialTokens = checkedSpecials(options);
    this.#preTokenizer = compilePreTokenizer(
      new Part(patternPreTokenizer(options.pattern ?? 'cl100k'), 'pre_tokenizer'),
    );
    this.#words = new WordCounter(options.maxWords ?? 8_000_000);
  }

  read(text: string): void {
    if (typeof text !== 'string')
      throw new TokenizerError('trainBpe', `texts must be strings, got ${shown(text)} as text ${this.#texts}.`);
    this.#texts++;
    const { scanner } = this.#preTokenizer;
    if (scanner) {
      const length = this.#buffer.write(text);
      const { bytes } = this.#buffer;
      for (let at = 0; at < length; ) {
        const end = scanner(bytes, at, length);
        this.#words.add(bytes, at, end);
        at = end;
      }
      this.#sizeBytes += length;
    } else {
      for (const word of this.#preTokenizer.split({ text, origin: null })) {
        const length = this.#buffer.write(word.text);
        this.#words.add(this.#buffer.bytes, 0, length);
        this.#sizeBytes += length;
      }
    }
    if (this.#sizeBytes - this.#reportedBytes >= PROGRESS_BYTES) this.#report();
  }

  #report(): void {
    this.#reportedBytes = this.#sizeBytes;
    this.#options.onProgress?.({
      stage: 'count',
      texts: this.#texts,
      sizeBytes: this.#sizeBytes,
      words: this.#words.size,
    });
  }

  finish(): Tokenizer {
    if (this.#words.size === 0)
      throw new TokenizerError(
        'trainBpe',
        `texts must not all be empty, got ${this.#texts} texts without a word. Is the file empty?`,
      );
    this.#report();
    const { vocabSize, minFrequency = 0, onProgress } = this.#options;
    const specials = [...this.#initialTokens];
    const tokens = this.#withAlphabet(specials);
    if (tokens.length > vocabSize) {
      throw new TokenizerError(
        'trainBpe',
        `vocabSize must hold ${specials.length} special tokens and an alphabet of ${tokens.length - specials.length}, got ${vocabSize}. Use at least ${tokens.length}.`,
      );
    }
    const merges = learnMerges(this.#asSymbols(tokens), tokens, {
      vocabSize,
      minFrequency,
      onMerge: (count) => {
        if (count % PROGRESS_TOKENS === 0 || count === vocabSize)
          onProgress?.({ stage: 'merge', tokens: count, vocabSize });
      },
    });
    return tokenizerOf(tokens, merges, specials, this.#options.pattern ?? 'cl100k');
  }

  /** Special tokens, then the bytes that were seen or asked for in the order of their alphabet characters. */
  #withAlphabet(specials: readonly string[]): string[] {
    const wanted = new Set(
      (this.#options.initialAlphabet ?? byteAlphabet).map((character) => {
        const byte = character.length === 1 ? charCodeToByte(character.charCodeAt(0)) : -1;
        if (byte < 0)
          throw new TokenizerError(
            'trainBpe',
            `initialAlphabet must be of characters of the byte alphabet, got ${shown(character)}. Take them from byteAlphabet.`,
          );
        return byte;
      }),
    );
    const end = this.#words.starts[this.#words.size] as number;
    for (let i = 0; i < end; i++) wanted.add(this.#words.arena[i] as number);
    const characters = [...wanted].map(byteToChar).sort();
    return [...new Set([...specials, ...characters])];
  }

  #asSymbols(tokens: readonly string[]): TrainingWords {
    const idOfByte = new Int32Array(256).fill(-1);
    for (const [id, token] of tokens.entries()) {
      const bytes = token.length === 1 ? alphabetToBytes(token) : undefined;
      if (bytes?.length === 1) idOfByte[bytes[0] as number] = id;
    }
    const { size, starts: bounds, arena } = this.#words;
    const starts = bounds.slice(0, size);
    const lengths = new Int32Array(size);
    const counts = new Float64Array(size);
    for (let word = 0; word < size; word++) {
      lengths[word] = (bounds[word + 1] as number) - (bounds[word] as number);
      counts[word] = this.#words.countOf(word);
    }
    const symbols = Int32Array.from(arena.subarray(0, bounds[size] as number), (byte) => idOfByte[byte] as number);
    return { symbols, starts, lengths, counts };
  }
}

function checkedSpecials({ vocabSize, specialTokens = [] }: TrainOptions): string[] {
  if (!Number.isInteger(vocabSize) || vocabSize < 1)
    throw new TokenizerError('trainBpe', `vocabSize must be a positive integer, got ${shown(vocabSize)}.`);
  for (const [index, token] of specialTokens.entries()) {
    if (token === '' || specialTokens.indexOf(token) !== index) {
      throw new TokenizerError(
        'trainBpe',
        `specialTokens must be different and not empty, got ${shown(token)} at index ${index}.`,
      );
    }
  }
  return [...specialTokens];
}

function tokenizerOf(
  tokens: readonly string[],
  merges: readonly (readonly [number, number])[],
  specials: readonly string[],
  pattern: string,
): Tokenizer {
  return Tokenizer.fromJson({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specials.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: patternPreTokenizer(pattern),
    post_processor: null,
    decoder: byteLevelDecoder,
    model: bpeModel(
      vocabOf(tokens),
      merges.map(([left, right]) => [tokens[left], tokens[right]]),
    ),
  });
}
