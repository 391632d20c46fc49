export { DataError } from '../errors.ts';
export type { ReadOptions, SafeCut } from './document-part.ts';
export { type EncodeFilesOptions, type EncodeProgress, encodeFilesToShards } from './encode-files-to-shards.ts';
export { createEncodePool, type EncodePool } from './encode-pool.ts';
export type { Dtype, EncodedTexts, EncodeSetup } from './encode-task.ts';
export { readShardDocuments, type ShardDocuments } from './shard-documents.ts';
export {
  openShards,
  readManifest,
  type ShardEntry,
  type ShardManifest,
  type ShardShare,
  type ShardSource,
} from './shard-manifest.ts';
export {
  type JsonRow,
  readTextFile,
  streamDocuments,
  streamRows,
  streamTrainingTexts,
  type TextDocument,
} from './stream-documents.ts';
export type { OnInvalid } from './utf8-policy.ts';
