import { unknownName } from '@modajs/errors';
import type { DocumentPart, InputPosition, ReadOptions, SafeCut } from './document-part.ts';
import { findInputFiles, type InputFile } from './input-files.ts';
import { EndlessWords } from './long-words.ts';
import { readJsonLines, readJsonRows } from './read-jsonl.ts';
import { readParquet } from './read-parquet.ts';
import { readTextParts } from './read-text.ts';

/** A whole document. */
export interface TextDocument {
  readonly text: string;
  readonly path: string;
  /** Line or row, from 0; 0 for a text file. */
  readonly index: number;
}

/**
 * The documents of files and folders (`.txt`, `.md`, `.jsonl`, each also `.gz` or `.zst`, `.parquet`), one after the other. A text
 * file is one document, of a line or row each is one.
 *
 * @throws {DataError} see `ReadOptions`; the file and place are named
 */
export async function* streamDocuments(
  paths: string | readonly string[],
  options: ReadOptions = {},
): AsyncGenerator<TextDocument> {
  const files = await findInputFiles(paths);
  for await (const part of streamParts(files, options)) {
    yield { text: part.text, path: (files[part.file] as InputFile).path, index: part.document };
  }
}

/** A row of JSON lines. */
export interface JsonRow {
  readonly row: unknown;
  readonly path: string;
  /** From 0. */
  readonly index: number;
}

/** The rows of the JSON lines among files and folders (`.jsonl`, also `.gz` or `.zst`), one after the other; other files are passed over. */
export async function* streamRows(
  paths: string | readonly string[],
  options: ReadOptions = {},
): AsyncGenerator<JsonRow> {
  for (const file of await findInputFiles(paths)) {
    if (file.format !== 'jsonl') continue;
    for await (const { row, document } of readJsonRows(file, options)) yield { row, path: file.path, index: document };
  }
}

/** The text of one file: all of its documents joined by line ends, or the text file as it is. */
export async function readTextFile(path: string, options: ReadOptions = {}): Promise<string> {
  const texts: string[] = [];
  for await (const { text } of streamDocuments(path, options)) texts.push(text);
  return texts.join('\n');
}

/** Texts for `trainBpe`: long text files come in parts, cut before a space after a letter, where no word reaches over. */
export async function* streamTrainingTexts(
  paths: string | readonly string[],
  options: ReadOptions & { readonly safeCut?: SafeCut } = {},
): AsyncGenerator<string> {
  for await (const { text } of streamParts(await findInputFiles(paths), options, options.safeCut)) yield text;
}

const START: InputPosition = { file: 0, document: 0 };

/** Documents in parts, from `options.from` on. Without `safeCut` every document is one part. */
export async function* streamParts(
  files: readonly InputFile[],
  options: ReadOptions,
  safeCut?: SafeCut,
): AsyncGenerator<DocumentPart> {
  const from = options.from ?? START;
  for (const [index, file] of files.entries()) {
    if (index < from.file) {
      options.onRead?.(file.sizeBytes);
      continue;
    }
    const first = index === from.file ? from.document : 0;
    switch (file.format) {
      case 'text':
        if (first > 0) options.onRead?.(file.sizeBytes);
        else yield* textParts(file, index, options, safeCut);
        break;
      case 'jsonl':
        yield* wholeDocuments(file, index, 'line', readJsonLines(file, options, first));
        break;
      case 'parquet':
        yield* wholeDocuments(file, index, 'row', readParquet(file, options, first));
        break;
      default:
        unknownName('file format', file.format);
    }
  }
}

async function* wholeDocuments(
  file: InputFile,
  index: number,
  place: 'line' | 'row',
  documents: AsyncIterable<{ text: string; document: number }>,
): AsyncGenerator<DocumentPart> {
  for await (const { text, document } of documents) {
    new EndlessWords(file.path, `${place} ${document + 1}`).add(text);
    yield { text, file: index, document, isEnd: true };
  }
}

async function* textParts(
  file: InputFile,
  index: number,
  options: ReadOptions,
  safeCut?: SafeCut,
): AsyncGenerator<DocumentPart> {
  for await (const { text, isEnd } of readTextParts(file, options, safeCut)) {
    yield { text, file: index, document: 0, isEnd };
  }
}
