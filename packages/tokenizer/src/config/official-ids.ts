import { TokenizerError } from '../errors.ts';
import type { AddedTokenJson, JsonPart, TokenizerJson } from './tokenizer-json.ts';

/**
 * The file as the official library must have it to give the same ids. It numbers added tokens itself, from the vocabulary's size
 * on, and looks at their ids only where the vocabulary has the token: where that would give others, they go into the vocabulary.
 *
 * @throws {TokenizerError} ids that would have to go into a vocabulary whose model would then make the token itself
 */
export function withOfficialIds(config: TokenizerJson): TokenizerJson {
  const added = config.added_tokens ?? [];
  const { vocab } = config.model as JsonPart;
  const isList = Array.isArray(vocab);
  const known = isList
    ? new Map(vocab.map(([token], id) => [token, id]))
    : new Map(Object.entries(vocab as Readonly<Record<string, number>>));
  const size = isList ? vocab.length : known.size;
  if (isNumberedAlike(added, known, size)) return config;
  const moved = added.filter(({ content }) => content !== '' && !known.has(content));
  if (isList || !moved.every((token) => isNeverMade(token, config.model as JsonPart))) {
    throw new TokenizerError(
      'toJson',
      'added tokens must have the ids that follow the vocabulary, in their order, unless the model is a BPE, which would not make them of text itself. Number them anew.',
      { place: 'added_tokens' },
    );
  }
  for (const { content, id } of moved) known.set(content, id);
  return { ...config, model: { ...(config.model as JsonPart), vocab: Object.fromEntries(known) } };
}

/** Whether a model that had the token in its vocabulary would still never make it: a BPE makes symbols and what merges. */
function isNeverMade({ content, single_word }: AddedTokenJson, model: JsonPart): boolean {
  const isBpe = Array.isArray(model['merges']);
  return isBpe && [...content].length > 1 && !(model['ignore_merges'] === true && single_word === true);
}

/** Reference: huggingface/tokenizers, `added_vocabulary.rs`, `add_tokens`. */
function isNumberedAlike(added: readonly AddedTokenJson[], known: ReadonlyMap<string, number>, size: number): boolean {
  const given = new Map<string, number>();
  let largest = -1;
  for (const { content, id } of added) {
    if (content === '' || given.has(content)) continue;
    const official = known.get(content) ?? (largest >= size || (size === 0 && largest >= 0) ? largest + 1 : size);
    if (known.get(content) === undefined && official !== id) return false;
    given.set(content, official);
    largest = Math.max(largest, official);
  }
  return true;
}
