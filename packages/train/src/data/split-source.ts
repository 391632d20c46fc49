import { unknownName } from '@modajs/tensor';
import { documentHash } from '@modajs/tokenizer';
import type { RunConfig } from '../config/run-config.ts';
import { splitDocuments, splitText, type TextSplit } from './text-split.ts';

/** Training and held-out documents of a source as `data.heldOut` and `data.heldOutBy` say. @throws ConfigError for an unknown way */
export function splitSource(
  documents: readonly string[],
  { heldOut, heldOutBy }: Pick<RunConfig['data'], 'heldOut' | 'heldOutBy'>,
): TextSplit {
  switch (heldOutBy) {
    case 'end':
      return splitText(documents, heldOut);
    case 'document':
      return splitDocuments(documents, heldOut, documentHash);
    default:
      return unknownName('data.heldOutBy', heldOutBy);
  }
}
