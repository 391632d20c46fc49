import { createHash } from 'node:crypto';
import { fsync } from 'node:fs';
import { type FileHandle, open, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DataError } from '../errors.ts';
import type { InputPosition } from './document-part.ts';
import { INDEX_FIELDS, type ShardEntry, type ShardShare } from './shard-manifest.ts';

/** As `FileHandle.sync`, which Yarn's Plug'n'Play does not have. */
const toDisk = promisify(fsync);

const BUFFER_BYTES = 1 << 22;
const MAX_UINT32 = 0xffffffff;

/** What the index says of a document beside the place of its tokens. */
export interface IndexedDocument {
  readonly source: number;
  readonly hash: number;
  /** UTF-8 bytes of its text. */
  readonly textBytes: number;
}

/**
 * Writes one shard. It is under its name only when it is whole: until `finish` it lies in a `.tmp` file, which the next run
 * writes anew.
 */
export class ShardWriter {
  readonly #folder: string;
  readonly #name: string;
  #file: FileHandle | undefined;
  readonly #hash = createHash('sha256');
  #buffered: Uint8Array[] = [];
  #bufferedBytes = 0;
  readonly #index: number[] = [];
  readonly #shares = new Map<number, ShardShare>();
  #documentStart = 0;
  #tokens = 0;

  constructor(folder: string, index: number) {
    this.#folder = folder;
    this.#name = `shard-${String(index).padStart(5, '0')}`;
  }

  get tokens(): number {
    return this.#tokens;
  }

  /** Documents that ended. */
  get documents(): number {
    return this.#index.length / INDEX_FIELDS;
  }

  /** The tokens written since the last call are a document. @throws {DataError} text of 4 GiB and more */
  endDocument({ source, hash, textBytes }: IndexedDocument): void {
    if (textBytes > MAX_UINT32) {
      throw new DataError(
        'shards',
        join(this.#folder, `${this.#name}.idx`),
        `must index documents of at most ${MAX_UINT32} bytes, got one of ${textBytes}. Split it.`,
      );
    }
    this.#index.push(this.#documentStart, source, hash, textBytes);
    const {
      documents,
      tokens,
      textBytes: before,
    } = this.#shares.get(source) ?? { documents: 0, tokens: 0, textBytes: 0 };
    this.#shares.set(source, {
      source,
      documents: documents + 1,
      tokens: tokens + this.#tokens - this.#documentStart,
      textBytes: before + textBytes,
    });
    this.#documentStart = this.#tokens;
  }

  /** Appends tokens. The array must not be written to afterwards. */
  async write(tokens: Uint16Array | Uint32Array): Promise<void> {
    this.#tokens += tokens.length;
    this.#buffered.push(new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength));
    this.#bufferedBytes += tokens.byteLength;
    if (this.#bufferedBytes >= BUFFER_BYTES) await this.#flush();
  }

  /** Puts the shard under its name. @throws {DataError} a disk that is full or cannot be written */
  async finish(next: InputPosition): Promise<ShardEntry> {
    await this.#flush();
    const index = Uint32Array.from(this.#index);
    const indexBytes = new Uint8Array(index.buffer);
    const [file, indexFile] = [`${this.#name}.bin`, `${this.#name}.idx`];
    await this.#guarded(async () => {
      const handle = await this.#opened();
      await toDisk(handle.fd);
      await handle.close();
      this.#file = undefined;
      await writeFile(join(this.#folder, `${indexFile}.tmp`), indexBytes, { flush: true });
      await rename(join(this.#folder, `${indexFile}.tmp`), join(this.#folder, indexFile));
      await rename(join(this.#folder, `${file}.tmp`), join(this.#folder, file));
    });
    return {
      file,
      indexFile,
      tokens: this.#tokens,
      documents: this.documents,
      checksum: this.#hash.digest('hex'),
      indexChecksum: createHash('sha256').update(indexBytes).digest('hex'),
      sources: [...this.#shares.values()],
      next,
    };
  }

  /** Gives up: closes and removes what was written. */
  async abandon(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    await rm(join(this.#folder, `${this.#name}.bin.tmp`), { force: true });
  }

  async #opened(): Promise<FileHandle> {
    this.#file ??= await open(join(this.#folder, `${this.#name}.bin.tmp`), 'w');
    return this.#file;
  }

  async #flush(): Promise<void> {
    if (this.#bufferedBytes === 0) return;
    const bytes = Buffer.concat(this.#buffered);
    this.#buffered = [];
    this.#bufferedBytes = 0;
    this.#hash.update(bytes);
    await this.#guarded(async () => {
      await (await this.#opened()).writeFile(bytes);
    });
  }

  async #guarded(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (cause) {
      const path = join(this.#folder, `${this.#name}.bin.tmp`);
      throw new DataError(
        'shards',
        path,
        `must be written, got an error: ${cause instanceof Error ? cause.message : cause}. Make room and run again: finished shards are kept.`,
        { cause },
      );
    }
  }
}
