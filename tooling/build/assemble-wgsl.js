import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { writeInterface } from './write-interface.js';

const IMPORT = /^\/\/ @import \{ (\w+(?:, \w+)*) \} from '([^']+)'$/;
const DECLARED = /^(?:@\w+(?:\([^)]*\))?\s*)*(?:fn|struct|alias|const|override|var)\b(?:<[^>]*>)?\s*(\w+)/;
const WORD = /[A-Za-z_]\w*/g;

/**
 * Puts a shader together. A line at the margin
 *
 *     // @import { visible_range, Params } from '../wgsl/source.wgsl'
 *
 * stands for these declarations of that file and for what they use of it; the file may import in turn. What is not named and
 * not used stays out, and so do comments. What stands below `// @interface` is written out first (write-interface.js). A shared declaration may use names of the shader that imports it (`params`, `D`, `Element`): the header of
 * its file says which, and Tint, which compiles the assembled text of every specialisation in the tests, checks them.
 *
 * @param {string} path the shader with the entry point
 * @param {(path: string) => string} [read] gives the text of a file
 * @returns {{ text: string, files: string[] }} the whole text, and all files it was put together from
 * @throws {Error} with file and line, for a file that is missing, a name that it does not declare or that the importer does not
 *   use, a name that is declared twice, an import or an interface that does not parse and files that import each other in a circle
 */
export function assembleWgsl(path, read = (file) => readFileSync(file, 'utf8')) {
  const shared = new Map();
  const taken = new Map();

  /** The parsed shared file, with the files that it imports. */
  function load(file, importer, chain) {
    if (chain.includes(file)) throw new Error(`${importer}: files must not import in a circle, got ${file}.`);
    const known = shared.get(file);
    if (known) return known;
    const text = writeInterface(file, readOr(file, importer));
    const parsed = parse(file, text);
    const names = new Map(parsed.declarations.map((declaration) => [declaration.name, { file, declaration }]));
    for (const entry of parsed.imports) {
      const from = load(entry.file, `${file}:${entry.line}`, [...chain, file]);
      for (const name of entry.names) names.set(name, exported(from, name, `${file}:${entry.line}`, entry));
      checkUsed(entry, text, `${file}:${entry.line}`, 1);
    }
    const whole = { file, names, declarations: parsed.declarations };
    shared.set(file, whole);
    return whole;
  }

  function readOr(file, importer) {
    try {
      return read(file);
    } catch {
      throw new Error(`${importer}: an import must name a file that exists, got ${file}.`);
    }
  }

  /** Marks a declaration and all it uses of shared files; gives the new ones, what is used first. */
  function take(found, whole) {
    const { file, declaration } = found;
    if (taken.get(declaration.name) === file) return [];
    if (taken.has(declaration.name))
      throw new Error(`${path}: ${declaration.name} is declared in ${taken.get(declaration.name)} and in ${file}.`);
    taken.set(declaration.name, file);
    const used = [];
    for (const word of wordsOf(declaration.text)) {
      const other = shared.get(file).names.get(word);
      if (other && word !== declaration.name) used.push(...take(other, whole));
    }
    return [...used, declaration.text];
  }

  const source = writeInterface(path, readOr(path, path));
  const files = [path];
  const root = parse(path, source);
  for (const { name } of root.declarations) taken.set(name, path);
  const lines = source.split('\n').map((line, index) => {
    const entry = root.imports.find((candidate) => candidate.line === index + 1);
    if (!entry) return line;
    const at = `${path}:${entry.line}`;
    const whole = load(entry.file, at, [path]);
    return entry.names.flatMap((name) => take(exported(whole, name, at, entry), whole)).join('\n\n');
  });
  const text = lines.join('\n');
  for (const entry of root.imports) checkUsed(entry, text, `${path}:${entry.line}`, 2);
  return { text: withoutComments(text), files: [...files, ...shared.keys()] };
}

/** Comments are for readers of the files; the markers `// @...` are for the functions that specialise the text. */
function withoutComments(text) {
  return text
    .replace(/[ \t]*\/\/(?! @).*/g, '')
    .replace(/\n{2,}/g, '\n')
    .trimStart();
}

/**
 * A shader with its layout taken out, for published builds: the same tokens and markers on the same lines. Lines stay, for
 * markers end with them, and so do spaces around operators, for `a - -b` needs them.
 *
 * @param {string} text
 */
export function withoutLayout(text) {
  return text
    .split('\n')
    .map((line) => (line.includes('// @') ? line.trimStart() : line.trim().replace(/ *([,;:(){}[\]]) */g, '$1')))
    .join('\n');
}

function exported(whole, name, at, entry) {
  const found = whole.names.get(name);
  if (!found)
    throw new Error(`${at}: ${entry.file} must declare ${name}. It declares ${[...whole.names.keys()].join(', ')}.`);
  return found;
}

/** Fewer than `least` times: in an assembled text the declaration itself is one. The entry point `main` is used by the pipeline. */
function checkUsed({ names }, text, at, least) {
  const words = text.replace(/\/\/.*/g, '').match(WORD);
  const counts = new Map();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const idle = names.filter((name) => name !== 'main' && (counts.get(name) ?? 0) < least);
  if (idle.length > 0) throw new Error(`${at}: what is imported must be used, got ${idle.join(', ')}.`);
}

function wordsOf(text) {
  return new Set(text.replace(/\/\/.*/g, '').match(WORD));
}

/** Imports and declarations of a file: a declaration is its lines, with the comments right above it. */
function parse(file, text) {
  const imports = [];
  const declarations = [];
  const lines = text.split('\n');
  let depth = 0;
  let start = 0;
  for (const [index, line] of lines.entries()) {
    if (depth === 0 && line.includes('@import ')) {
      const match = IMPORT.exec(line);
      if (!match)
        throw new Error(
          `${file}:${index + 1}: an import must read // @import { name, name } from './file.wgsl', got ${line}`,
        );
      imports.push({ line: index + 1, names: match[1].split(', '), file: resolve(dirname(file), match[2]) });
    }
    const code = line.replace(/\/\/.*/, '').trimEnd();
    if (depth === 0 && (line.trim() === '' || line.includes('// @'))) start = code === '' ? index + 1 : start;
    depth += (code.match(/[{(]/g)?.length ?? 0) - (code.match(/[})]/g)?.length ?? 0);
    if (depth > 0 || !/[;}]$/.test(code)) continue;
    const name = nameOf(lines.slice(start, index + 1));
    if (name) declarations.push({ name, text: lines.slice(start, index + 1).join('\n') });
    start = index + 1;
  }
  return { imports, declarations };
}

function nameOf(lines) {
  const code = lines
    .map((line) => line.replace(/\/\/.*/, ''))
    .join('\n')
    .trim();
  return DECLARED.exec(code)?.[1];
}
