import { type FileHandle, open } from 'node:fs/promises';
import { DataError } from '@modajs/tensor';
import { lastAtOrBefore } from '../data/token-ranges.ts';
import type { TokenSource } from '../data/token-source.ts';
import type { TokenFile } from './token-file.ts';

/** Bytes read at a time when all tokens are checked. */
const SCAN_BYTES = 8 << 20;

/** Token files read as one long run; only what is asked for is read. */
export class TokenFilesSource implements TokenSource {
  readonly length: number;
  private readonly starts: number[] = [];

  private constructor(
    readonly name: string,
    private readonly files: readonly TokenFile[],
    private readonly handles: readonly FileHandle[],
  ) {
    let length = 0;
    for (const { tokens } of files) {
      this.starts.push(length);
      length += tokens;
    }
    this.length = length;
  }

  /**
   * Opens files and reads them through once.
   *
   * @param vocabSize ids must be below it
   * @throws DataError naming the file, the place and the id that is too large
   */
  static async open(name: string, files: readonly TokenFile[], vocabSize: number): Promise<TokenFilesSource> {
    const handles = await Promise.all(files.map(({ path }) => open(path, 'r')));
    const source = new TokenFilesSource(name, files, handles);
    try {
      await source.checkIds(vocabSize);
    } catch (error) {
      await source.close();
      throw error;
    }
    return source;
  }

  async read(start: number, count: number): Promise<Int32Array> {
    const tokens = new Int32Array(count);
    let done = 0;
    while (done < count) {
      const file = lastAtOrBefore(this.starts, start + done);
      const from = start + done - this.starts[file];
      const part = Math.min(count - done, this.files[file].tokens - from);
      tokens.set(await this.readFrom(file, from, part), done);
      done += part;
    }
    return tokens;
  }

  async close(): Promise<void> {
    await Promise.all(this.handles.map((handle) => handle.close()));
  }

  private async readFrom(file: number, from: number, count: number): Promise<Int32Array> {
    const { path, headerBytes, bytesPerToken } = this.files[file];
    const bytes = new Uint8Array(count * bytesPerToken);
    const { bytesRead } = await this.handles[file].read(bytes, 0, bytes.length, headerBytes + from * bytesPerToken);
    if (bytesRead < bytes.length) {
      throw new DataError(
        `data: ${path} must hold token ${from + count - 1}, it ends before. Was it changed while in use?`,
        {
          path,
        },
      );
    }
    return Int32Array.from(bytesPerToken === 2 ? new Uint16Array(bytes.buffer) : new Uint32Array(bytes.buffer));
  }

  private async checkIds(vocabSize: number): Promise<void> {
    for (const [i, { path, tokens, bytesPerToken }] of this.files.entries()) {
      const step = SCAN_BYTES / bytesPerToken;
      for (let from = 0; from < tokens; from += step) {
        const ids = await this.readFrom(i, from, Math.min(step, tokens - from));
        const at = ids.findIndex((id) => id < 0 || id >= vocabSize);
        if (at < 0) continue;
        throw new DataError(
          `data: ${path} must hold ids below the vocabulary of ${vocabSize}, got ${ids[at]} at token ${from + at}. ` +
            'Use the tokenizer that it was made with, in tokenizer.path.',
          { path, id: ids[at], vocabSize },
        );
      }
    }
  }
}
