import { unknownName } from '@modajs/errors';
import { DataError } from '../errors.ts';
import { byteChunks } from './byte-stream.ts';
import type { ReadOptions, SafeCut } from './document-part.ts';
import type { InputFile } from './input-files.ts';
import { EndlessWords } from './long-words.ts';
import { decodeReplacing, decodeValid, unfinishedBytes, validPrefix } from './utf8-policy.ts';

/** UTF-16 units of a part: large enough to keep workers busy, small enough to hold many. */
const PART_UNITS = 1 << 20;
const JOINED_LIMIT = 0x1ffffff0;

/**
 * A text file, which is one document, in parts that end at safe cuts; whole when there are none.
 *
 * @throws {DataError} bytes that are not UTF-8 when `onInvalid` is `fail`, a document too long to be one string
 */
export async function* readTextParts(
  file: InputFile,
  options: ReadOptions,
  safeCut?: SafeCut,
): AsyncGenerator<{ text: string; isEnd: boolean }> {
  if (options.onInvalid === 'skip') {
    const place = await firstInvalid(file);
    if (place !== undefined) {
      options.onProblem?.({ path: file.path, place, action: 'skipped' });
      return;
    }
  }
  const words = new EndlessWords(file.path);
  let held = '';
  for await (const text of textChunks(file, options)) {
    words.add(text);
    if (held.length + text.length > JOINED_LIMIT) {
      throw new DataError(
        'read',
        file.path,
        `must be shorter than ${JOINED_LIMIT} characters for a tokenizer that needs whole documents. Split the file.`,
      );
    }
    held += text;
    if (held.length < PART_UNITS) continue;
    const cut = safeCut?.(held) ?? 0;
    if (cut === 0) continue;
    yield { text: held.slice(0, cut), isEnd: false };
    held = held.slice(cut);
  }
  yield { text: held, isEnd: true };
}

/** Decoded chunks, without a byte order mark. */
async function* textChunks(file: InputFile, options: ReadOptions): AsyncGenerator<string> {
  let rest = new Uint8Array(0);
  let offset = 0;
  let isFirst = true;
  const decode = (bytes: Uint8Array): string => {
    const valid = validPrefix(bytes);
    const text = valid === bytes.length ? decodeValid(bytes) : repaired(file, options, bytes, offset + valid);
    offset += bytes.length;
    const hasMark = isFirst && text.startsWith('\ufeff');
    isFirst &&= text === '';
    return hasMark ? text.slice(1) : text;
  };
  for await (const chunk of byteChunks(file, options.onRead)) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = bytes.length - unfinishedBytes(bytes);
    rest = bytes.slice(end);
    yield decode(bytes.subarray(0, end));
  }
  yield decode(rest);
}

function repaired(file: InputFile, options: ReadOptions, bytes: Uint8Array, position: number): string {
  const place = `byte ${position}`;
  if (options.onInvalid !== 'replace') throw invalidUtf8(file.path, place);
  options.onProblem?.({ path: file.path, place, action: 'replaced' });
  return decodeReplacing(bytes);
}

/**
 * The text of a line or row that is not UTF-8, by the caller's choice: repaired, or undefined for one that is left out.
 *
 * @throws {DataError} when it may not be either
 */
export function textOfInvalid(
  path: string,
  place: string,
  bytes: Uint8Array,
  { onInvalid = 'fail', onProblem }: ReadOptions,
): string | undefined {
  switch (onInvalid) {
    case 'fail':
      throw invalidUtf8(path, place);
    case 'skip':
      onProblem?.({ path, place, action: 'skipped' });
      return undefined;
    case 'replace':
      onProblem?.({ path, place, action: 'replaced' });
      return decodeReplacing(bytes);
    default:
      return unknownName('onInvalid', onInvalid);
  }
}

/** The error for bytes that are not UTF-8. */
function invalidUtf8(path: string, place: string): DataError {
  return new DataError(
    'read',
    path,
    'must be UTF-8, got bytes that are not. Convert it, or choose to replace them or to skip the document.',
    { place },
  );
}

async function firstInvalid(file: InputFile): Promise<string | undefined> {
  let rest = new Uint8Array(0);
  let offset = 0;
  for await (const chunk of byteChunks(file)) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = bytes.length - unfinishedBytes(bytes);
    const valid = validPrefix(bytes.subarray(0, end));
    if (valid < end) return `byte ${offset + valid}`;
    rest = bytes.slice(end);
    offset += end;
  }
  return rest.length === 0 ? undefined : `byte ${offset}`;
}
