import { DataError, shown } from '../errors.ts';
import { byteChunks } from './byte-stream.ts';
import type { ReadOptions } from './document-part.ts';
import type { InputFile } from './input-files.ts';
import { textOfInvalid } from './read-text.ts';
import { decodeValid, validPrefix } from './utf8-policy.ts';

/**
 * The documents of a JSON lines file. Blank lines count as lines but are no documents.
 *
 * @yields the text and the line's index, from 0
 * @throws {DataError} a line that is not JSON, has no text, or is not UTF-8 when `onInvalid` is `fail`; lines count from 1
 */
export async function* readJsonLines(
  file: InputFile,
  options: ReadOptions,
  from = 0,
): AsyncGenerator<{ text: string; document: number }> {
  for await (const { row, document } of readJsonRows(file, options, from)) {
    yield { text: textOf(file, row, options.textField ?? 'text', document), document };
  }
}

/**
 * The rows of a JSON lines file, whatever they hold. Blank lines count as lines but are no rows.
 *
 * @yields the value and the line's index, from 0
 * @throws {DataError} a line that is not JSON, or is not UTF-8 when `onInvalid` is `fail`; lines count from 1
 */
export async function* readJsonRows(
  file: InputFile,
  options: ReadOptions,
  from = 0,
): AsyncGenerator<{ row: unknown; document: number }> {
  let line = 0;
  for await (const bytes of lines(file, options)) {
    const document = line++;
    if (document < from) continue;
    const json = decodeLine(file, options, bytes, document);
    if (json === undefined || json.trim() === '') continue;
    yield { row: parseRow(file, json, document), document };
  }
}

/** Bytes of a line, which is one string of JSON. */
const MAX_LINE_BYTES = 1 << 28;

/** Lines without their end. @throws {DataError} a line that is too long for memory */
async function* lines(file: InputFile, options: ReadOptions): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let held = 0;
  let line = 1;
  for await (const chunk of byteChunks(file, options.onRead)) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      const last = chunk.subarray(start, end);
      yield parts.length === 0 ? last : Buffer.concat([...parts, last]);
      parts = [];
      held = 0;
      line++;
      start = end + 1;
    }
    if (start === chunk.length) continue;
    parts.push(chunk.slice(start));
    held += chunk.length - start;
    if (held > MAX_LINE_BYTES) {
      throw new DataError(
        'read',
        file.path,
        `must have lines of at most ${MAX_LINE_BYTES} bytes, got a longer one. Is it JSON lines?`,
        { place: `line ${line}` },
      );
    }
  }
  if (parts.length > 0) yield Buffer.concat(parts);
}

function decodeLine(file: InputFile, options: ReadOptions, bytes: Uint8Array, document: number): string | undefined {
  const valid = validPrefix(bytes);
  if (valid === bytes.length) {
    const text = decodeValid(bytes);
    return document === 0 && text.startsWith('\ufeff') ? text.slice(1) : text;
  }
  return textOfInvalid(file.path, `line ${document + 1}, byte ${valid}`, bytes, options);
}

function parseRow(file: InputFile, json: string, document: number): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new DataError(
      'read',
      file.path,
      `must be one JSON object a line, got ${shown(json)}. Was the file cut short?`,
      { place: `line ${document + 1}`, cause },
    );
  }
}

function textOf(file: InputFile, row: unknown, field: string, document: number): string {
  const place = `line ${document + 1}`;
  const text = typeof row === 'object' && row !== null ? (row as Record<string, unknown>)[field] : undefined;
  if (typeof text === 'string') return text;
  const fields = typeof row === 'object' && row !== null ? Object.keys(row).join(', ') : shown(row);
  throw new DataError(
    'read',
    file.path,
    `must have text in the field ${shown(field)}, got ${text === undefined ? `the fields ${fields}` : shown(text)}. Name the field.`,
    { place },
  );
}
