import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { INDEX_FIELDS, type ShardManifest } from './shard-manifest.ts';

/** The documents of one source of a folder of shards, in order; entry `i` of every array is of document `i`. */
export interface ShardDocuments {
  /** Place of the first token of the source, in all shards one behind the other. */
  readonly start: number;
  /** Tokens of each document, its end of text included. */
  readonly tokens: Uint32Array;
  readonly hashes: Uint32Array;
  /** UTF-8 bytes of the text of each. */
  readonly textBytes: Uint32Array;
}

/** Reads the index of a folder of shards that `openShards` has checked: the documents of each source of the manifest. */
export async function readShardDocuments(folder: string, manifest: ShardManifest): Promise<ShardDocuments[]> {
  const counts = manifest.sources.map(() => 0);
  for (const shard of manifest.shards)
    for (const { source, documents } of shard.sources) counts[source] = (counts[source] as number) + documents;
  const found = counts.map((count) => ({
    start: 0,
    tokens: new Uint32Array(count),
    hashes: new Uint32Array(count),
    textBytes: new Uint32Array(count),
  }));
  const filled = counts.map(() => 0);
  let before = 0;
  for (const { indexFile, documents, tokens } of manifest.shards) {
    const bytes = await readFile(join(folder, indexFile));
    const field = (document: number, i: number): number => bytes.readUInt32LE((document * INDEX_FIELDS + i) * 4);
    for (let document = 0; document < documents; document++) {
      const start = field(document, 0);
      const end = document + 1 < documents ? field(document + 1, 0) : tokens;
      const source = field(document, 1);
      const of = found[source] as (typeof found)[number];
      const at = filled[source] as number;
      if (at === 0) of.start = before + start;
      of.tokens[at] = end - start;
      of.hashes[at] = field(document, 2);
      of.textBytes[at] = field(document, 3);
      filled[source] = at + 1;
    }
    before += tokens;
  }
  return found;
}
