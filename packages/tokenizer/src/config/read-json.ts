import { shown, TokenizerError } from '../errors.ts';
import { LIMITS } from './limits.ts';
import { isObject, Part, refuse } from './part.ts';
import type { AddedTokenJson, TokenizerJson } from './tokenizer-json.ts';

/**
 * Parses a `tokenizer.json` and checks its frame: nesting, added tokens, truncation and padding. Its components are checked where
 * they are made.
 *
 * @throws {TokenizerError} malformed JSON (line and column named), a missing part, a field of another type
 */
export function readTokenizerJson(json: string | object): TokenizerJson {
  const config: unknown = typeof json === 'string' ? parse(json) : json;
  if (!isObject(config)) refuse('tokenizer.json', `must be an object, got ${shown(config)}.`);
  checkDepth(config);
  if (!isObject(config['model']))
    refuse('model', `must be an object, got ${shown(config['model'])}. Is this a tokenizer.json?`);
  for (const place of ['normalizer', 'pre_tokenizer', 'post_processor', 'decoder'] as const) {
    const value = config[place];
    if (value !== undefined && value !== null && !(isObject(value) && typeof value['type'] === 'string')) {
      refuse(place, `must be null or an object with a type, got ${shown(value)}.`);
    }
  }
  checkAddedTokens(config['added_tokens']);
  if (config['truncation'] !== undefined && config['truncation'] !== null)
    checkTruncation(new Part(config['truncation'], 'truncation'));
  if (config['padding'] !== undefined && config['padding'] !== null)
    checkPadding(new Part(config['padding'], 'padding'));
  return config as unknown as TokenizerJson;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json.charCodeAt(0) === 0xfeff ? json.slice(1) : json);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const position = /position (\d+)/.exec(message)?.[1] ?? (/end of JSON/.test(message) ? json.length : undefined);
    const where = position === undefined ? '' : ` at ${lineAndColumn(json, Number(position))}`;
    throw new TokenizerError(
      'tokenizer',
      `tokenizer.json must be valid JSON, got an error${where}: ${shown(message).slice(1, -1)}. Was the file cut short?`,
      {
        place: where.slice(4),
        cause,
      },
    );
  }
}

function lineAndColumn(text: string, position: number): string {
  const before = text.slice(0, position).split('\n');
  return `line ${before.length}, column ${(before.at(-1) as string).length + 1}`;
}

/** Walks without recursion, level by level; what refers to itself is too deep, too. */
function checkDepth(config: Record<string, unknown>): void {
  let level: object[] = [config];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > LIMITS.depth)
      refuse('tokenizer.json', `must not have more than ${LIMITS.depth} objects and lists inside each other.`);
    const next: object[] = [];
    for (const value of level) {
      for (const inner of Array.isArray(value) ? value : Object.values(value))
        if (typeof inner === 'object' && inner !== null) next.push(inner);
    }
    level = next;
  }
}

const FLAGS = ['single_word', 'lstrip', 'rstrip', 'normalized', 'special'] as const;

function checkAddedTokens(tokens: unknown): asserts tokens is readonly AddedTokenJson[] | null | undefined {
  if (tokens === undefined || tokens === null) return;
  if (!Array.isArray(tokens)) refuse('added_tokens', `must be an array, got ${shown(tokens)}.`);
  const byContent = new Map<string, number>();
  const byId = new Map<number, number>();
  for (const [index, json] of tokens.entries()) {
    const token = new Part(json, `added_tokens[${index}]`);
    const content = token.text('content');
    const id = token.integer('id', [0, LIMITS.id - 1]);
    for (const flag of FLAGS) token.flag(flag, false);
    const same = byContent.get(content) ?? byId.get(id);
    if (same !== undefined && JSON.stringify(tokens[same]) !== JSON.stringify(json)) {
      refuse(
        token.place,
        `must have a content and an id of its own, got ${shown(content)} with id ${id} after ${shown(tokens[same].content)} with id ${tokens[same].id} at added_tokens[${same}].`,
      );
    }
    byContent.set(content, index);
    byId.set(id, index);
  }
}

const SIDES = ['Left', 'Right'] as const;

function checkTruncation(truncation: Part): void {
  truncation.choice('direction', SIDES, 'Right');
  const length = truncation.integer('max_length', [0, Number.MAX_SAFE_INTEGER]);
  truncation.choice('strategy', ['LongestFirst', 'OnlyFirst', 'OnlySecond'], 'LongestFirst');
  truncation.integer('stride', [0, Math.max(0, length - 1)], 0);
}

function checkPadding(padding: Part): void {
  if (padding.get('strategy') !== 'BatchLongest') {
    if (!isObject(padding.get('strategy')))
      refuse('padding.strategy', `must be "BatchLongest" or {"Fixed": length}, got ${shown(padding.get('strategy'))}.`);
    padding.part('strategy').integer('Fixed', [0, LIMITS.length]);
  }
  padding.choice('direction', SIDES, 'Right');
  padding.integer('pad_to_multiple_of', [0, LIMITS.length], 0);
  padding.integer('pad_id', [0, LIMITS.id - 1]);
  padding.integer('pad_type_id', [0, 2 ** 32 - 1], 0);
  padding.text('pad_token');
}
