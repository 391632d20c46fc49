import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, shown } from '../errors.ts';
import type { InputPosition } from './document-part.ts';

/** What a shard holds of one source. */
export interface ShardShare {
  /** Index into the manifest's `sources`. */
  readonly source: number;
  readonly documents: number;
  /** Ends of text included. */
  readonly tokens: number;
  /** UTF-8 bytes of the documents' text. */
  readonly textBytes: number;
}

/**
 * One shard: `file` holds tokens; `indexFile` four `uint32` for each document: the place of its first token in the shard, its
 * source, its `documentHash`, and the UTF-8 bytes of its text.
 */
export interface ShardEntry {
  readonly file: string;
  readonly indexFile: string;
  readonly tokens: number;
  readonly documents: number;
  /** SHA-256, hexadecimal. */
  readonly checksum: string;
  readonly indexChecksum: string;
  /** By source, in the order they come. */
  readonly sources: readonly ShardShare[];
  /** The first document after this shard. */
  readonly next: InputPosition;
}

/** A file or folder that was encoded. */
export interface ShardSource {
  /** As it was given. */
  readonly path: string;
  readonly files: readonly { readonly path: string; readonly sizeBytes: number }[];
}

/** `manifest.json` of a folder of token shards. All integers in shards are little-endian. */
export interface ShardManifest {
  readonly version: 2;
  readonly dtype: 'uint16' | 'uint32';
  readonly vocabSize: number;
  /** SHA-256 of `tokenizer.json` in the same folder. */
  readonly tokenizerHash: string;
  /** Put after every document; null for none. */
  readonly endOfText: number | null;
  /** What the shards were made from and how: a run goes on only where this is the same. */
  readonly settingsHash: string;
  readonly sources: readonly ShardSource[];
  readonly shards: readonly ShardEntry[];
  readonly tokens: number;
  readonly documents: number;
  /** Documents left out, and documents repaired, because they were not UTF-8. */
  readonly skippedDocuments: number;
  readonly repairedDocuments: number;
  /** False until the last shard is written. */
  readonly complete: boolean;
}

export const MANIFEST = 'manifest.json';
export const TOKENIZER = 'tokenizer.json';
export const BYTES_PER_TOKEN = { uint16: 2, uint32: 4 } as const;
/** Numbers in an index file for each document. */
export const INDEX_FIELDS = 4;

/** SHA-256 of text or bytes, hexadecimal. */
export const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

/** The manifest of a folder, or undefined when it has none. @throws {DataError} one that is broken */
export async function readManifest(folder: string): Promise<ShardManifest | undefined> {
  const path = join(folder, MANIFEST);
  const json = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw new DataError('shards', path, `must be readable, got an error: ${cause.message}.`, { cause });
  });
  if (json === undefined) return undefined;
  return parseManifest(json, path);
}

/**
 * The manifest in a file's text.
 *
 * @throws {DataError} one of another version, one that was changed, be it by a single bit
 */
export function parseManifest(json: string, path: string): ShardManifest {
  let manifest: ShardManifest;
  let isWhole: boolean;
  try {
    const { version, checksum, ...rest } = Object(JSON.parse(json)) as Record<string, unknown>;
    manifest = { version, ...rest } as unknown as ShardManifest;
    // The file is compared as a whole, so that no change hides in what parsing drops. Nesting without an end has no text again.
    isWhole = typeof checksum === 'string' && json === serialized(manifest);
  } catch (cause) {
    throw new DataError('shards', path, 'must be JSON, got a broken file. Encode again into another folder.', {
      cause,
    });
  }
  const { version } = manifest;
  if (version === 2 && isWhole) return manifest;
  if (version === 2) {
    throw new DataError(
      'shards',
      path,
      'must have the checksum of what it says, but does not. It was changed: encode again into another folder.',
    );
  }
  throw new DataError(
    'shards',
    path,
    `must be a manifest of version 2, got ${shown(version)}. Encode again into another folder.`,
  );
}

/** The text of a manifest's file: the manifest with the SHA-256 of its JSON. */
function serialized(manifest: ShardManifest): string {
  return `${JSON.stringify({ ...manifest, checksum: sha256(JSON.stringify(manifest)) }, null, 2)}\n`;
}

/** Writes the manifest in one step: a reader, or a kill, finds the old or the new one. */
export async function writeManifest(folder: string, manifest: ShardManifest): Promise<void> {
  const path = join(folder, MANIFEST);
  await writeFile(`${path}.tmp`, serialized(manifest), { flush: true });
  await rename(`${path}.tmp`, path);
}

/**
 * Checks that a shard's files are as the manifest says.
 *
 * @throws {DataError} a file that is missing, cut short or changed, with bytes expected and found
 */
export async function checkShard(folder: string, shard: ShardEntry, dtype: 'uint16' | 'uint32'): Promise<void> {
  await checkFile(join(folder, shard.file), shard.tokens * BYTES_PER_TOKEN[dtype], shard.checksum);
  await checkFile(join(folder, shard.indexFile), shard.documents * INDEX_FIELDS * 4, shard.indexChecksum);
}

/** @throws {DataError} a file that is missing */
async function fileSize(path: string): Promise<number> {
  const status = await stat(path).catch((cause: unknown) => {
    throw new DataError('shards', path, 'must be there, but is missing. Encode again to make it.', { cause });
  });
  return status.size;
}

async function checkFile(path: string, sizeBytes: number, checksum: string): Promise<void> {
  const found = await fileSize(path);
  if (found !== sizeBytes)
    throw new DataError(
      'shards',
      path,
      `must be ${sizeBytes} bytes, got ${found}. It was cut short or changed: encode again to make it.`,
    );
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  if (hash.digest('hex') !== checksum)
    throw new DataError(
      'shards',
      path,
      'must have the checksum of the manifest, but does not. It was changed: encode again to make it.',
    );
}

/**
 * Opens a finished folder of shards, checking every file.
 *
 * @throws {DataError} no manifest, an unfinished run, a shard or tokenizer that is missing, cut short or changed
 */
export async function openShards(folder: string): Promise<ShardManifest> {
  const manifest = await readManifest(folder);
  if (!manifest)
    throw new DataError('shards', folder, `must hold a ${MANIFEST}, but does not. Was it made by encoding?`);
  if (!manifest.complete)
    throw new DataError(
      'shards',
      folder,
      `must be finished, got ${manifest.shards.length} shards of an interrupted run. Run the same encoding again to go on.`,
    );
  for (const shard of manifest.shards) await checkShard(folder, shard, manifest.dtype);
  const tokenizer = await fileSize(join(folder, TOKENIZER));
  await checkFile(join(folder, TOKENIZER), tokenizer, manifest.tokenizerHash);
  return manifest;
}
