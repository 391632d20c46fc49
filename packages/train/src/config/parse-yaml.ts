import { ConfigError } from '@modajs/tensor';
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import { shortened } from './resolve-config.ts';
import { shapeOfKey, type TextShape } from './text-shape.ts';

/** Longer than any configuration; the parser's time grows faster than its input. */
const MAX_CHARACTERS = 1 << 15;
/** Settings nest five deep; the parser takes memory without end for texts that nest thousands deep. */
const MAX_DEPTH = 32;

/**
 * The value of a YAML text. Keys are text, whatever they look like, and so are scalars where `texts` says so.
 *
 * @param where named at the start of an error
 * @throws ConfigError with line and column for text that is not YAML; for values that hold themselves, nest too deep, or
 *   grow out of all proportion through aliases
 */
export function parseYaml(yaml: string, where: string, texts: TextShape = {}): unknown {
  if (yaml.length > MAX_CHARACTERS) {
    throw new ConfigError(
      `${where}: must be at most ${MAX_CHARACTERS} characters, got ${yaml.length}. Is it settings?`,
    );
  }
  requireShallow(yaml, where);
  try {
    // The parser compares every key with every other; `keepText` finds repeated ones in one pass.
    const lineCounter = new LineCounter();
    // Nor are thousands of errors made readable where one is shown.
    const options = { prettyErrors: false, lineCounter, logLevel: 'error', uniqueKeys: false } as const;
    const document = parseDocument(yaml, options);
    requireValid(document, lineCounter, where);
    requireFinite(document, where);
    keepText(document.contents, texts, where);
    return document.toJS();
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    // The parser's own: a stack that overflows, aliases that multiply.
    throw new ConfigError(
      `${where}: must be plain YAML, got "${shortened((error as Error).message)}". Write it without aliases.`,
    );
  }
}

function requireValid({ errors, warnings }: Document, lines: LineCounter, where: string): void {
  const [error] = [...errors, ...warnings];
  if (!error) return;
  const { line, col } = lines.linePos(error.pos[0]);
  const [reason] = error.message.split('\n');
  throw new ConfigError(`${where}: not valid YAML at line ${line}, column ${col}: ${shortened(reason)}.`);
}

/** Counts what can open a level, before the parser sees it: brackets in all, indicators and spaces at a line's start. */
function requireShallow(yaml: string, where: string): void {
  let brackets = 0;
  let deepest = 0;
  for (const line of yaml.split('\n')) {
    const [start] = /^(?:[-?:]\s+|\s)*/.exec(line)!;
    deepest = Math.max(deepest, start.replace(/\s/g, '').length, start.length / 8);
    for (const character of line) {
      if (character === '[' || character === '{') deepest = Math.max(deepest, ++brackets);
      else if (character === ']' || character === '}') brackets = Math.max(0, brackets - 1);
    }
  }
  if (deepest > MAX_DEPTH) {
    throw new ConfigError(`${where}: must nest at most ${MAX_DEPTH} deep, got more. Is it settings?`);
  }
}

/** @throws ConfigError for a node that holds itself */
function requireFinite(document: Document, where: string): void {
  visit(document, (_, node, path) => {
    const target = isAlias(node) ? node.resolve(document) : undefined;
    if (target !== undefined && path.includes(target)) {
      throw new ConfigError(
        `${where}: a value must not hold itself, got the alias ${shortened(String(node))}. Write the value out.`,
      );
    }
  });
}

/**
 * Puts what is written in place of what YAML's types make of it: in all keys, and in values that hold text.
 *
 * @throws ConfigError for a key that comes twice, or is no text: writing such keys out takes twice as long for each that is
 *   nested in another
 */
function keepText(node: unknown, shape: TextShape, where: string): void {
  if (isMap(node)) {
    const names = new Set<string>();
    for (const { key, value } of node.items) {
      if (key !== null && !isScalar(key))
        throw new ConfigError(`${where}: a key must be text, got a list, a mapping or an alias. Write "key: value".`);
      keepText(key, { isText: true }, where);
      const name = String(isScalar(key) ? key.value : key);
      if (names.has(name))
        throw new ConfigError(`${where}: a key must come once, got "${shortened(name)}" twice. Remove one.`);
      names.add(name);
      keepText(value, shapeOfKey(shape, name), where);
    }
  } else if (isSeq(node)) {
    for (const item of node.items) keepText(item, shape, where);
  } else if (isScalar(node) && shape.isText && node.source !== undefined && node.value !== null) {
    node.value = node.source;
  }
}
