import { DataError } from '@modajs/tensor';
import type { HeldOutText } from '../run/evaluate-held-out.ts';
import type { WeightedSource } from './sequence-order.ts';
import type { TextSplit } from './text-split.ts';
import { tokensInMemory } from './token-source.ts';

/** What preparation asks of a tokenizer; `Tokenizer` of `@modajs/tokenizer` is one. */
export interface TextTokenizer {
  readonly vocabSize: number;
  /** Ids of a text as it stands: what looks like a special token is text, and nothing is added. */
  encode(
    text: string,
    options: { readonly specialTokens: 'text'; readonly addSpecialTokens: false },
  ): ArrayLike<number>;
  /** Id of a special token, or undefined. */
  idOf(token: string): number | undefined;
}

/** Ends a document in training text. */
export const DOCUMENT_SEPARATOR = '<|endoftext|>';

/** As token shards are encoded: data cannot smuggle in a separator. */
const PLAIN_TEXT = { specialTokens: 'text', addSpecialTokens: false } as const;

/** A source cut into training and held-out documents. */
export interface SplitSource {
  readonly name: string;
  readonly weight: number;
  readonly split: TextSplit;
}

/** Text as tokens. */
export interface PreparedText {
  readonly sources: readonly WeightedSource[];
  readonly heldOut: readonly HeldOutText[];
}

/**
 * Encodes sources: documents are joined by a separator, a source of one document has none. Held-out text starts with one
 * token of context, the separator or the last training token, so that every one of its own tokens is predicted.
 *
 * @param between tokens between documents; those that the tokenizer has for `<|endoftext|>` by default
 * @throws DataError when a source of several documents meets a tokenizer without `<|endoftext|>`, and nothing else is given
 */
export function prepareText(
  sources: readonly SplitSource[],
  tokenizer: TextTokenizer,
  between: readonly number[] = [],
): PreparedText {
  const weighted: WeightedSource[] = [];
  const heldOut: HeldOutText[] = [];
  for (const { name, weight, split } of sources) {
    const isPlain = split.train.length <= 1 && split.heldOut.length <= 1;
    const separator = isPlain ? [] : between.length > 0 ? between : [requireSeparator(tokenizer, name)];
    const train = joinTokens(split.train, tokenizer, separator);
    weighted.push({ source: tokensInMemory(name, train), weight });
    if (split.heldOutBytes === 0) continue;
    const context = separator.length > 0 ? separator : train.subarray(-1);
    const tokens = Int32Array.from([...context, ...joinTokens(split.heldOut, tokenizer, separator)]);
    heldOut.push({ name, tokens, bytes: split.heldOutBytes });
  }
  return { sources: weighted, heldOut };
}

function requireSeparator(tokenizer: TextTokenizer, name: string): number {
  const id = tokenizer.idOf(DOCUMENT_SEPARATOR);
  if (id !== undefined) return id;
  throw new DataError(
    `data: the tokenizer must have ${DOCUMENT_SEPARATOR} to separate the documents of ${name}, it does not. ` +
      'Train one with that special token or leave tokenizer.path out.',
    { source: name },
  );
}

function joinTokens(documents: readonly string[], tokenizer: TextTokenizer, separator: readonly number[]): Int32Array {
  const parts = documents.map((document) => tokenizer.encode(document, PLAIN_TEXT));
  const gaps = Math.max(0, parts.length - 1) * separator.length;
  const joined = new Int32Array(parts.reduce((sum, { length }) => sum + length, gaps));
  let at = 0;
  for (const [i, part] of parts.entries()) {
    if (i > 0) for (const id of separator) joined[at++] = id;
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
