import type { SpecialTokens } from '@modajs/train';

/** What stands between two documents of training text: the end of one, and the beginning of the next where the model knows one. */
export function documentSeparator({ end, begin }: SpecialTokens): number[] {
  return [...end.slice(0, 1), ...(begin === null || begin === end[0] ? [] : [begin])];
}
