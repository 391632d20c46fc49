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
  const { eos = null } = options;
  const ends = new Set(eos === null ? [] : typeof eos === 'number' ? [eos] : eos);
  const sampling = { ...options, vocabSize: options.vocabSize ?? tokenizer.vocabSize };
  const ids = Array.from(tokenizer.encode(prompt));
  const decoding = continuedStream(tokenizer, ids);
  for await (const { id } of generate(model, ids, sampling)) {
    if (ends.has(id)) break;
    const piece = stops.push(decoding.push(id));
    if (piece !== '') yield piece;
    if (stops.stopped) return;
  }
  const tail = stops.push(decoding.end()) + stops.end();
  if (tail !== '') yield tail;
}

/**
 * Decodes what follows a prompt. It is no beginning of a text, so a space there stays; what the stream holds back of the prompt, such as
 * its last bytes, does not come again.
 */
function continuedStream(tokenizer: TextCodec, prompt: readonly number[]) {
  const decoding = tokenizer.createDecodeStream();
  const whole = tokenizer.createDecodeStream();
  let held = 0;
  for (const id of prompt) held += whole.push(id).length - decoding.push(id).length;
  held += whole.end().length;
  const fresh = (text: string): string => {
    const dropped = Math.min(held, text.length);
    held -= dropped;
    return text.slice(dropped);
  };
  return { push: (id: number) => fresh(decoding.push(id)), end: () => fresh(decoding.end()) };
}
