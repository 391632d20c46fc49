import { CheckpointError } from '@modajs/tensor';
import type { ByteSource } from './byte-source.ts';

/** What is read ahead. */
const CHUNK = 1 << 20;
/** Metadata and tensor list of the largest vocabularies take 30 MB; a file that says more is not believed. */
export const MOST_HEADER_BYTES = 1 << 28;

/**
 * Reads a file's header from front to back. Nothing is allocated for a length before the file has shown to hold as much.
 */
export class HeaderCursor {
  #view: DataView = new DataView(new ArrayBuffer(0));
  /** Where the view starts in the file. */
  #start = 0;
  /** Next byte, in the view. */
  #at = 0;
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  constructor(private readonly source: ByteSource) {}

  /** Bytes read so far. */
  get position(): number {
    return this.#start + this.#at;
  }

  /** Bytes that the header may still have. */
  get room(): number {
    return Math.min(this.source.sizeBytes, MOST_HEADER_BYTES) - this.position;
  }

  /** Whether `count` bytes can be taken without waiting. */
  has(count: number): boolean {
    return this.#at + count <= this.#view.byteLength;
  }

  /**
   * Waits until `count` bytes can be taken.
   *
   * @param what they are of, for the error
   * @throws CheckpointError when the file ends before
   */
  async need(count: number, what: string): Promise<void> {
    if (this.has(count)) return;
    const { name, sizeBytes } = this.source;
    const from = this.position;
    if (count > this.room) {
      const [rule, cure] =
        from + count > sizeBytes
          ? [`the file must hold ${from + count} bytes for it, got ${sizeBytes}`, 'Is it truncated?']
          : [`the header must have at most ${MOST_HEADER_BYTES} bytes, it has more`, 'Do not trust this file.'];
      throw new CheckpointError(`${name}: ${what}: ${rule}. ${cure}`, { file: name, key: what });
    }
    const end = Math.min(from + Math.max(count, CHUNK), sizeBytes);
    const bytes = await this.source.read(from, end);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#start = from;
    this.#at = 0;
  }

  /** The next `count` bytes, which must be there (`need`). */
  #take(count: number): number {
    const at = this.#at;
    this.#at += count;
    return at;
  }

  u8 = (): number => this.#view.getUint8(this.#take(1));
  i8 = (): number => this.#view.getInt8(this.#take(1));
  u16 = (): number => this.#view.getUint16(this.#take(2), true);
  i16 = (): number => this.#view.getInt16(this.#take(2), true);
  u32 = (): number => this.#view.getUint32(this.#take(4), true);
  i32 = (): number => this.#view.getInt32(this.#take(4), true);
  f32 = (): number => this.#view.getFloat32(this.#take(4), true);
  f64 = (): number => this.#view.getFloat64(this.#take(8), true);

  /** A 64-bit integer: a number where one holds it exactly, else a bigint. */
  u64 = (): number | bigint => exact(this.#view.getBigUint64(this.#take(8), true));
  i64 = (): number | bigint => exact(this.#view.getBigInt64(this.#take(8), true));

  /** A length or count. @throws CheckpointError above 2^53 */
  async length(what: string): Promise<number> {
    await this.need(8, what);
    const value = this.u64();
    if (typeof value === 'number') return value;
    const { name } = this.source;
    throw new CheckpointError(`${name}: ${what}: a length must be below 2^53, got ${value}. Do not trust this file.`, {
      file: name,
      key: what,
    });
  }

  /** A length and as many bytes of UTF-8. @throws CheckpointError */
  async text(what: string): Promise<string> {
    const length = await this.length(what);
    await this.need(length, what);
    return this.#decode(length, what);
  }

  /** As `text` when all of it can be taken without waiting, else undefined and nothing is taken. */
  textAtOnce(what: string): string | undefined {
    if (!this.has(8)) return undefined;
    const length = Number(this.#view.getBigUint64(this.#at, true));
    if (!this.has(8 + length)) return undefined;
    this.#take(8);
    return this.#decode(length, what);
  }

  #decode(length: number, what: string): string {
    const at = this.#view.byteOffset + this.#take(length);
    try {
      return this.#utf8.decode(new Uint8Array(this.#view.buffer, at, length));
    } catch (cause) {
      const { name } = this.source;
      const message = `${name}: ${what}: text must be UTF-8, it is not. Convert the model again.`;
      throw new CheckpointError(message, { file: name, key: what }, { cause });
    }
  }
}

function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
