import { DataError } from '@modajs/tensor';
import { type OnInvalid, streamDocuments } from '@modajs/tokenizer/node';
import { BUILTIN_BOOK, readMobyDick } from './moby-dick.ts';

/**
 * Documents of a source: the bundled book, or a file or folder (`.txt`, `.md`, `.jsonl`, each also `.gz` or `.zst`,
 * `.parquet`). A text file is one document, of the others a line or row each is one.
 *
 * @throws DataError for a source that does not exist, holds no text, is of another kind, or is not UTF-8
 */
export async function readDocuments(path: string, onInvalid: OnInvalid): Promise<string[]> {
  if (path === BUILTIN_BOOK) return [await readMobyDick()];
  if (path.startsWith('builtin:')) {
    throw new DataError(`data: there is one bundled text, ${BUILTIN_BOOK}, got ${path}. Use it or give a file.`, {
      path,
    });
  }
  const documents: string[] = [];
  for await (const { text } of streamDocuments(path, { onInvalid })) documents.push(text);
  if (documents.every((document) => document.trim() === '')) {
    throw new DataError(`data: ${path} must hold text, got none. Is it the right file?`, { path });
  }
  return documents;
}
