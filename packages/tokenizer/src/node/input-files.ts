import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../errors.ts';

export type TextFormat = 'text' | 'jsonl' | 'parquet';
export type Compression = 'none' | 'gzip' | 'zstd';

/** A file of documents. */
export interface InputFile {
  readonly path: string;
  /** Which of the paths given it was found under. */
  readonly source: number;
  readonly sizeBytes: number;
  readonly format: TextFormat;
  readonly compression: Compression;
}

const NAME = /\.(txt|text|md|jsonl|ndjson|parquet)(\.gz|\.zst)?$/i;
const FORMATS: Readonly<Record<string, TextFormat>> = { jsonl: 'jsonl', ndjson: 'jsonl', parquet: 'parquet' };
export const KNOWN_ENDINGS = '.txt, .md, .jsonl (each also .gz or .zst), .parquet';

/**
 * The files behind paths, folders searched through, in the order given and by name inside folders.
 *
 * @throws {DataError} a path that does not exist, a file of another kind, a folder without any such file, an empty file
 */
export async function findInputFiles(paths: string | readonly string[]): Promise<InputFile[]> {
  const files: InputFile[] = [];
  for (const [source, path] of (typeof paths === 'string' ? [paths] : paths).entries()) {
    const status = await stat(path).catch((cause: unknown) => {
      throw new DataError(
        'read',
        path,
        'must be a file or folder that can be read, but is not there. Check the path.',
        { cause },
      );
    });
    if (!status.isDirectory()) {
      files.push(describe(path, source, status.size));
      continue;
    }
    const names = (await readdir(path, { recursive: true })).filter((name) => NAME.test(name)).sort();
    const found = await Promise.all(names.map(async (name) => ({ name, status: await stat(join(path, name)) })));
    const inside = found.filter((entry) => entry.status.isFile());
    if (inside.length === 0)
      throw new DataError('read', path, `must hold files of text, got none. Known are ${KNOWN_ENDINGS}.`);
    files.push(...inside.map((entry) => describe(join(path, entry.name), source, entry.status.size)));
  }
  return files;
}

function describe(path: string, source: number, sizeBytes: number): InputFile {
  const [, ending, compressed] = NAME.exec(path) ?? [];
  if (ending === undefined)
    throw new DataError('read', path, `must end in a kind that is known, ${KNOWN_ENDINGS}. Rename or convert it.`);
  if (sizeBytes === 0) throw new DataError('read', path, 'must not be empty, got 0 bytes.');
  const compression = compressed === undefined ? 'none' : compressed.toLowerCase() === '.gz' ? 'gzip' : 'zstd';
  return { path, source, sizeBytes, format: FORMATS[ending.toLowerCase()] ?? 'text', compression };
}
