import type { Tokenizer } from '@modajs/tokenizer';
import { DOCUMENT_SEPARATOR } from '@modajs/train';

/** Tokens of a model that stand for no text. */
export interface SpecialTokens {
  /** What ends a text; the first stands between documents in training. Empty for none. */
  readonly end: readonly number[];
  /** Stands before every text; null for none. */
  readonly begin: number | null;
}

/** Those of a model whose tokenizer `moda train` made. */
export function ownSpecialTokens(tokenizer: Pick<Tokenizer, 'idOf'>): SpecialTokens {
  const separator = tokenizer.idOf(DOCUMENT_SEPARATOR);
  return { end: separator === undefined ? [] : [separator], begin: null };
}

/** What stands between two documents of training text: the end of one, and the beginning of the next where the model knows one. */
export function documentSeparator({ end, begin }: SpecialTokens): number[] {
  return [...end.slice(0, 1), ...(begin === null || begin === end[0] ? [] : [begin])];
}
