import { DOCUMENT_SEPARATOR, type TextTokenizer } from '../data/prepare-text.ts';

/** Tokens of a model that stand for no text. */
export interface SpecialTokens {
  /** What ends a text; the first stands between documents in training. Empty for none. */
  readonly end: readonly number[];
  /** Stands before every text; null for none. */
  readonly begin: number | null;
}

/** Those of a model whose tokenizer was trained for its run. */
export function ownSpecialTokens(tokenizer: Pick<TextTokenizer, 'idOf'>): SpecialTokens {
  const separator = tokenizer.idOf(DOCUMENT_SEPARATOR);
  return { end: separator === undefined ? [] : [separator], begin: null };
}
