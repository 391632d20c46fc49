import { readdir, realpath, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
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
    const inside = await filesInside(path);
    if (inside.length === 0)
      throw new DataError('read', path, `must hold files of text, got none. Known are ${KNOWN_ENDINGS}.`);
    files.push(...inside.map(({ path: found, sizeBytes }) => describe(found, source, sizeBytes)));
  }
  return files;
}

/**
 * Files of known kinds in a folder and those below it, in the order of their names. Links are followed; a folder or file that
 * several links lead to is read once.
 *
 * @throws {DataError} a link to nothing, a folder that cannot be read
 */
async function filesInside(folder: string): Promise<{ path: string; sizeBytes: number }[]> {
  const found: { path: string; name: string; sizeBytes: number }[] = [];
  const seen = new Set<string>();
  const visit = async (within: string): Promise<void> => {
    const real = await realpath(within).catch((cause: unknown) => unreadable(within, cause));
    if (seen.has(real)) return;
    seen.add(real);
    const names = await readdir(within).catch((cause: unknown) => unreadable(within, cause));
    for (const name of names.sort()) {
      const path = join(within, name);
      const status = await stat(path).catch((cause: unknown) => {
        // What is no text by its name is passed over, whatever it is.
        return NAME.test(name) ? unreadable(path, cause) : null;
      });
      if (status?.isDirectory()) await visit(path);
      if (!status?.isFile() || !NAME.test(name)) continue;
      const target = await realpath(path);
      if (seen.has(target)) continue;
      seen.add(target);
      found.push({ path, name: relative(folder, path), sizeBytes: status.size });
    }
  };
  await visit(folder);
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function unreadable(path: string, cause: unknown): never {
  const { code } = cause as NodeJS.ErrnoException;
  throw new DataError('read', path, `must be readable, got ${code}. Is it a link to something that is gone?`, {
    cause,
  });
}

function describe(path: string, source: number, sizeBytes: number): InputFile {
  const [, ending, compressed] = NAME.exec(path) ?? [];
  if (ending === undefined)
    throw new DataError('read', path, `must end in a kind that is known, ${KNOWN_ENDINGS}. Rename or convert it.`);
  if (sizeBytes === 0) throw new DataError('read', path, 'must not be empty, got 0 bytes.');
  const compression = compressed === undefined ? 'none' : compressed.toLowerCase() === '.gz' ? 'gzip' : 'zstd';
  return { path, source, sizeBytes, format: FORMATS[ending.toLowerCase()] ?? 'text', compression };
}
