import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Platform } from '@modajs/errors';
import type { SpecialTokensMode } from '../added/added-tokens.ts';
import { DocumentHash } from '../document-hash.ts';
import { DataError, shown, TokenizerError } from '../errors.ts';
import type { Tokenizer } from '../tokenizer.ts';
import type { DocumentPart, InputPosition, ReadOptions } from './document-part.ts';
import { encodeParts } from './encode-parts.ts';
import { createEncodePool } from './encode-pool.ts';
import { type Dtype, shardTokens } from './encode-task.ts';
import { findInputFiles, type InputFile } from './input-files.ts';
import {
  checkShard,
  readManifest,
  type ShardEntry,
  type ShardManifest,
  sha256,
  TOKENIZER,
  writeManifest,
} from './shard-manifest.ts';
import { ShardWriter } from './shard-writer.ts';
import { streamParts } from './stream-documents.ts';

export interface EncodeFilesOptions extends Pick<ReadOptions, 'onInvalid' | 'textField' | 'onProblem'> {
  /** Files and folders; see `streamDocuments`. */
  readonly inputs: string | readonly string[];
  readonly outDir: string;
  readonly tokenizer: Tokenizer;
  /** A token, by id or as written, that ends every document. Default none. */
  readonly endOfText?: number | string;
  /** A shard ends with the document that brings it to this many tokens. Default 2^26. */
  readonly shardTokens?: number;
  /** Default `uint16` when every id fits, else `uint32`. */
  readonly dtype?: Dtype;
  /** Special tokens in the documents. Default `text`: data cannot smuggle in an end of text. */
  readonly specialTokens?: SpecialTokensMode;
  /** Worker threads; 0 encodes in the calling thread. Default: one less than the machine has cores. */
  readonly threads?: number;
  readonly onProgress?: (progress: EncodeProgress) => void;
  /** Stops after the shard at hand when aborted; the same call goes on later. */
  readonly signal?: Platform<'AbortSignal'>;
}

export interface EncodeProgress {
  readonly documents: number;
  readonly tokens: number;
  readonly shards: number;
  /** Bytes of the input files read so far, and in all. */
  readonly readBytes: number;
  readonly sourceBytes: number;
  /** Documents that an interrupted run before this one had done. */
  readonly resumedDocuments: number;
}

/**
 * Encodes files into shards of tokens in `outDir`: `shard-00000.bin` (flat little-endian integers), `shard-00000.idx` (where each
 * document starts, its source, hash and size), `tokenizer.json`, `manifest.json`. The result does not depend on the number of
 * threads. Every path in `inputs` is a source; a run splits each by the documents' hashes as it splits the texts themselves.
 *
 * A run that was killed goes on where its last whole shard ends: call it again with the same arguments. A shard that is
 * cut short or changed is made again, with those after it.
 *
 * @throws {TokenizerError} a vocabulary larger than `dtype` holds, an unknown `endOfText`
 * @throws {DataError} input that cannot be read; an `outDir` with shards made from other input or settings
 */
export async function encodeFilesToShards(options: EncodeFilesOptions): Promise<ShardManifest> {
  const files = await findInputFiles(options.inputs);
  const plan = planOf(options, files);
  await mkdir(options.outDir, { recursive: true });
  let manifest = await resumable(options.outDir, plan);
  if (manifest.complete) return manifest;
  await removeUnlisted(options.outDir, manifest);
  await writeFile(join(options.outDir, TOKENIZER), options.tokenizer.toJson());
  await writeManifest(options.outDir, manifest);
  const run = new ShardRun(options, files, plan, manifest);
  manifest = await run.finish();
  return manifest;
}

type Plan = Omit<
  ShardManifest,
  'shards' | 'tokens' | 'documents' | 'skippedDocuments' | 'repairedDocuments' | 'complete'
>;

/** Checks the options and says what the run is to make. */
function planOf(options: EncodeFilesOptions, files: readonly InputFile[]): Plan {
  const { tokenizer, shardTokens = 1 << 26 } = options;
  const dtype = options.dtype ?? (tokenizer.vocabSize <= 1 << 16 ? 'uint16' : 'uint32');
  const operation = 'encodeFilesToShards';
  if (dtype === 'uint16' && tokenizer.vocabSize > 1 << 16) {
    throw new TokenizerError(
      operation,
      `a vocabulary in uint16 shards must have at most 65536 ids, got ${tokenizer.vocabSize}. Use uint32.`,
    );
  }
  if (!Number.isInteger(shardTokens) || shardTokens < 1 || shardTokens >= 2 ** 31) {
    throw new TokenizerError(
      operation,
      `shardTokens must be an integer from 1 to 2^31 - 1, got ${shown(shardTokens)}.`,
    );
  }
  const { endOfText } = options;
  const end = typeof endOfText === 'string' ? tokenizer.idOf(endOfText) : endOfText;
  if (endOfText !== undefined && (end === undefined || tokenizer.tokenOf(end) === undefined)) {
    throw new TokenizerError(operation, `endOfText must be a token of the vocabulary, got ${shown(endOfText)}.`);
  }
  const inputs = typeof options.inputs === 'string' ? [options.inputs] : options.inputs;
  const sources = inputs.map((path, source) => ({
    path,
    files: files
      .filter((file) => file.source === source)
      .map((file) => ({ path: file.path, sizeBytes: file.sizeBytes })),
  }));
  const tokenizerHash = sha256(tokenizer.toJson());
  const { onInvalid = 'fail', textField = 'text', specialTokens = 'text' } = options;
  const settings = {
    tokenizerHash,
    dtype,
    shardTokens,
    end: end ?? null,
    onInvalid,
    textField,
    specialTokens,
    sources,
  };
  return {
    version: 2,
    dtype,
    vocabSize: tokenizer.vocabSize,
    tokenizerHash,
    endOfText: end ?? null,
    settingsHash: sha256(JSON.stringify(settings)),
    sources,
  };
}

/** The state to go on from: shards of an earlier run that are whole, or none. */
async function resumable(folder: string, plan: Plan): Promise<ShardManifest> {
  const found = await readManifest(folder);
  const empty = {
    ...plan,
    shards: [],
    tokens: 0,
    documents: 0,
    skippedDocuments: 0,
    repairedDocuments: 0,
    complete: false,
  };
  if (!found) return empty;
  if (found.settingsHash !== plan.settingsHash) {
    throw new DataError(
      'encodeFilesToShards',
      folder,
      'must be new or hold an interrupted run of the same input and settings, got shards of another. Choose another folder or remove this one.',
    );
  }
  const whole: ShardEntry[] = [];
  for (const shard of found.shards) {
    const isWhole = await checkShard(folder, shard, found.dtype).then(
      () => true,
      () => false,
    );
    if (!isWhole) break;
    whole.push(shard);
  }
  if (whole.length === found.shards.length) return found;
  // Counts of documents left out belong to the whole run: they are counted anew with the shards made anew.
  return {
    ...found,
    shards: whole,
    tokens: whole.reduce((sum, { tokens }) => sum + tokens, 0),
    documents: whole.reduce((sum, { documents }) => sum + documents, 0),
    complete: false,
  };
}

/** Removes shards that no manifest lists and halves of files: what a kill left. */
async function removeUnlisted(folder: string, { shards }: ShardManifest): Promise<void> {
  const listed = new Set(shards.flatMap(({ file, indexFile }) => [file, indexFile]));
  for (const name of await readdir(folder)) {
    if (/^shard-\d{5}\.(bin|idx)(\.tmp)?$/.test(name) && !listed.has(name)) await rm(join(folder, name));
  }
}

/** One run: parts in, shards out. */
class ShardRun {
  readonly #options: EncodeFilesOptions;
  readonly #files: readonly InputFile[];
  readonly #plan: Plan;
  #manifest: ShardManifest;
  #writer: ShardWriter;
  /** Of the document being written. */
  #hash = new DocumentHash();
  #textBytes = 0;
  #readBytes = 0;
  #skipped: number;
  #repaired: number;
  readonly #resumedDocuments: number;

  constructor(options: EncodeFilesOptions, files: readonly InputFile[], plan: Plan, manifest: ShardManifest) {
    this.#options = options;
    this.#files = files;
    this.#plan = plan;
    this.#manifest = manifest;
    this.#skipped = manifest.skippedDocuments;
    this.#repaired = manifest.repairedDocuments;
    this.#resumedDocuments = manifest.documents;
    this.#writer = new ShardWriter(options.outDir, manifest.shards.length);
  }

  async finish(): Promise<ShardManifest> {
    const { tokenizer, specialTokens = 'text', threads = Math.max(1, availableParallelism() - 1) } = this.#options;
    const pool = createEncodePool(
      { tokenizerJson: tokenizer.toJson(), dtype: this.#plan.dtype, specialTokens },
      threads,
    );
    try {
      for await (const { part, tokens } of encodeParts(this.#parts(), pool)) {
        await this.#writer.write(tokens);
        this.#hash.add(part.text);
        this.#textBytes += Buffer.byteLength(part.text);
        if (part.isEnd) await this.#endDocument(part);
        if (this.#options.signal?.aborted && this.#writer.documents === 0) {
          throw new DataError(
            'encodeFilesToShards',
            this.#options.outDir,
            'was stopped. Run the same again to go on.',
            { cause: this.#options.signal.reason },
          );
        }
      }
      if (this.#writer.documents > 0) await this.#finishShard({ file: this.#files.length, document: 0 });
      await this.#save(true);
      this.#report();
      return this.#manifest;
    } catch (error) {
      await this.#writer.abandon();
      throw error;
    } finally {
      await pool.close();
    }
  }

  #parts() {
    const { onInvalid, textField, tokenizer } = this.#options;
    const from = this.#manifest.shards.at(-1)?.next;
    const reading: ReadOptions = {
      ...(onInvalid && { onInvalid }),
      ...(textField !== undefined && { textField }),
      ...(from && { from }),
      onRead: (sizeBytes) => {
        this.#readBytes += sizeBytes;
      },
      onProblem: (problem) => {
        if (problem.action === 'skipped') this.#skipped++;
        else this.#repaired++;
        this.#options.onProblem?.(problem);
      },
    };
    return streamParts(this.#files, reading, (text) => tokenizer.safeCut(text));
  }

  async #endDocument({ file, document }: DocumentPart): Promise<void> {
    const { endOfText, dtype } = this.#plan;
    if (endOfText !== null) await this.#writer.write(shardTokens(dtype, 1).fill(endOfText));
    const { source } = this.#files[file] as InputFile;
    this.#writer.endDocument({ source, hash: this.#hash.value, textBytes: this.#textBytes });
    this.#hash = new DocumentHash();
    this.#textBytes = 0;
    const next = { file, document: document + 1 };
    if (this.#writer.tokens >= (this.#options.shardTokens ?? 1 << 26)) await this.#finishShard(next);
    this.#report();
  }

  async #finishShard(next: InputPosition): Promise<void> {
    const shard = await this.#writer.finish(next);
    const { shards, tokens, documents } = this.#manifest;
    this.#manifest = {
      ...this.#manifest,
      shards: [...shards, shard],
      tokens: tokens + shard.tokens,
      documents: documents + shard.documents,
    };
    await this.#save(false);
    this.#writer = new ShardWriter(this.#options.outDir, this.#manifest.shards.length);
  }

  async #save(complete: boolean): Promise<void> {
    this.#manifest = {
      ...this.#manifest,
      skippedDocuments: this.#skipped,
      repairedDocuments: this.#repaired,
      complete,
    };
    await writeManifest(this.#options.outDir, this.#manifest);
  }

  #report(): void {
    this.#options.onProgress?.({
      documents: this.#manifest.documents + this.#writer.documents,
      tokens: this.#manifest.tokens + this.#writer.tokens,
      shards: this.#manifest.shards.length,
      readBytes: this.#readBytes,
      sourceBytes: this.#files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      resumedDocuments: this.#resumedDocuments,
    });
  }
}
