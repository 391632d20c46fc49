import { LIMITS } from '../config/limits.ts';
import { isObject, type Part, refuse } from '../config/part.ts';
import { shown } from '../errors.ts';
import type { Vocabulary } from './model.ts';

/**
 * `model.vocab` of the form `{ token: id }`.
 *
 * @throws {TokenizerError} an id that is not an integer in range or that two tokens have
 */
export function readVocabulary(part: Part): { tokens: (string | undefined)[]; ids: Map<string, number> } {
  const json = part.get('vocab');
  if (!isObject(json)) refuse(`${part.place}.vocab`, `must be an object, got ${shown(json)}.`);
  const tokens: (string | undefined)[] = [];
  const ids = new Map<string, number>();
  for (const [token, id] of Object.entries(json)) {
    const place = () => `${part.place}.vocab[${JSON.stringify(token)}]`;
    if (!Number.isInteger(id) || (id as number) < 0 || (id as number) >= LIMITS.id)
      refuse(place(), `must be an integer from 0 to ${LIMITS.id - 1}, got ${shown(id)}.`);
    const other = tokens[id as number];
    if (other !== undefined) refuse(place(), `must have an id of its own, got ${id}, the id of ${shown(other)}, too.`);
    tokens[id as number] = token;
    ids.set(token, id as number);
  }
  return { tokens, ids };
}

/** The id of the unknown token, or undefined when the vocabulary lacks it: the text then must not need it. */
export const unknownIdOf = ({ ids }: Vocabulary, part: Part, fallback: string): number | undefined =>
  ids.get(part.text('unk_token', fallback));
