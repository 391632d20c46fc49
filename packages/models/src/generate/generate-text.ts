import type { Decoder } from '../decoder/decoder.ts';
import { type GenerateOptions, generate } from './generate.ts';
import { StopStrings } from './stop-strings.ts';

/** What `generateText` asks of a tokenizer; `Tokenizer` of `@modajs/tokenizer` is one. */
export interface TextCodec {
  /** Ids below this have a text; others are never generated. */
  readonly vocabSize?: number;
  encode(text: string): ArrayLike<number>;
  /** Turns ids into text piece by piece, holding back unfinished characters. */
  createDecodeStream(): { push(id: number): string; end(): string };
}

/** Options of `generateText`. */
export interface GenerateTextOptions extends GenerateOptions {
  /** Strings that end the text; they are not part of it. */
  readonly stop?: string | readonly string[];
}

/**
 * Continues a text, giving out pieces as they are decided: unfinished characters and possible beginnings of stop strings
 * are held back.
 *
 * @throws ConfigError, DataError as `generate`
 */
export async function* generateText(
  model: Decoder,
  tokenizer: TextCodec,
  prompt: string,
  { stop = [], ...options }: GenerateTextOptions = {},
): AsyncGenerator<string, void, void> {
  const stops = new StopStrings(typeof stop === 'string' ? [stop] : stop);
  const decoding = tokenizer.createDecodeStream();
  const { eos = null } = options;
  const ends = new Set(eos === null ? [] : typeof eos === 'number' ? [eos] : eos);
  const sampling = { ...options, vocabSize: options.vocabSize ?? tokenizer.vocabSize };
  const ids = Array.from(tokenizer.encode(prompt));
  // What comes next is no beginning of a text: a space there stays.
  for (const id of ids) decoding.push(id);
  for await (const { id } of generate(model, ids, sampling)) {
    if (ends.has(id)) break;
    const piece = stops.push(decoding.push(id));
    if (piece !== '') yield piece;
    if (stops.stopped) return;
  }
  const tail = stops.push(decoding.end()) + stops.end();
  if (tail !== '') yield tail;
}
