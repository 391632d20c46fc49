import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type AnswerStore,
  type CachedAnswer,
  cachedRowSource,
  type FileStore,
  folderRows,
  formatAnswers,
  hubRows,
  parseAnswers,
  type RowSource,
  readTokenShard,
  type ShardDType,
} from '@modajs/eval';
import { openHubCache } from '@modajs/models/node';
import { DataError } from '@modajs/tensor';
import { inspectTokenFile } from '@modajs/train/node';

/** A folder as the harness's file store. Files are written beside their place and moved, so none is ever half there. */
export function folderStore(folder: string): FileStore {
  return {
    async read(path) {
      try {
        return await readFile(join(folder, path));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw new DataError(
          `data: ${join(folder, path)} must be readable, got ${(error as NodeJS.ErrnoException).code}.`,
        );
      }
    },
    write: (path, bytes) => writeWhole(join(folder, path), bytes),
  };
}

/** Datasets from `--data`, else from the hub with the cache that huggingface_hub uses too. */
export function openRows({ data, cache }: { readonly data?: string; readonly cache?: string }): RowSource {
  if (data !== undefined) return folderRows(folderStore(data));
  return cachedRowSource(hubRows({ open: (dataset) => openHubCache(dataset, { cache }) }));
}

/** Writes a file whole or not at all, its folder included. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, content);
  await rename(temporary, path);
}

/**
 * Refuses to write a report over a file that this command would not have written: another model's results, results of tasks
 * that this run does not repeat, or no report at all. Asked before anything is computed.
 *
 * @param lost what of the file's content would be lost, in words; null when nothing
 * @throws DataError naming the file and what is in it
 */
export async function refuseToReplace(
  path: string,
  lost: (report: Record<string, unknown>) => string | null,
  overwrite = false,
): Promise<void> {
  if (overwrite) return;
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new DataError(`eval: ${path} must be a file to write, got ${error.code}. Choose another -O.`, { path });
  });
  if (text === null) return;
  let report: unknown;
  try {
    report = JSON.parse(text);
  } catch {
    report = null;
  }
  const isReport = typeof report === 'object' && report !== null && !Array.isArray(report);
  const what = isReport ? lost(report as Record<string, unknown>) : 'something that is no report of this command';
  if (what === null) return;
  const cure = 'Choose another file with -O, or replace it with --overwrite.';
  throw new DataError(`eval: ${path} holds ${what}, which would be lost. ${cure}`, { path });
}

/**
 * Ids of a token shard. Without `dtype` the file's header, the vocabulary or the numbers tell their width, as in training.
 *
 * @throws DataError for a file that cannot be read, is cut short, or holds ids that the vocabulary does not have
 */
export async function readTokens(path: string, vocabSize: number, dtype?: ShardDType): Promise<Int32Array> {
  if (path.endsWith('.npy') && dtype === undefined) {
    // OLMo's files are headerless; a real NumPy file is refused by readTokenShard before its header is read as tokens.
    readTokenShard((await readBytes(path)).subarray(0, 4), 'uint16', { path });
  }
  const layout = dtype === undefined ? await inspectTokenFile(path, vocabSize) : null;
  const bytes = await readBytes(path);
  if (layout === null) return readTokenShard(bytes, dtype!, { vocabSize, path });
  const { headerBytes, bytesPerToken, tokens } = layout;
  const part = bytes.subarray(headerBytes, headerBytes + tokens * bytesPerToken);
  return readTokenShard(part, bytesPerToken === 2 ? 'uint16' : 'uint32', { vocabSize, path });
}

async function readBytes(path: string): Promise<Buffer> {
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new DataError(`eval: ${path} must be readable, got ${error.code}. Check the path.`, { path });
  });
}

/** Finished answers as JSON lines in a file; a line torn by a kill is closed, so that the next one starts clean. */
export function fileStore(path: string, fresh: boolean): AnswerStore {
  let isFirst = true;
  return {
    async load() {
      if (fresh) return [];
      const text = await readFile(path, 'utf8').catch(() => '');
      if (text !== '' && !text.endsWith('\n')) await appendFile(path, '\n', { flush: true });
      return parseAnswers(text);
    },
    async append(answers: readonly CachedAnswer[]) {
      if (isFirst) await mkdir(dirname(path), { recursive: true });
      if (isFirst && fresh) await writeFile(path, '');
      isFirst = false;
      await appendFile(path, formatAnswers(answers), { flush: true });
    },
  };
}
