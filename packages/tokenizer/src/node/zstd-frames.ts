import { Decompress } from 'fzstd';
import xxhash, { type XXHashAPI } from 'xxhash-wasm';
import { ByteReader } from './byte-reader.ts';

const FRAME = 0xfd2fb528;
/** The 16 magic numbers of frames that a decoder leaves out, without their last four bits. */
const SKIPPABLE = 0x184d2a5;
/** The longest window that the `zstd` command takes unasked. */
const MAX_WINDOW_BYTES = 2 ** 27;
const MAX_BLOCK_BYTES = 2 ** 17;
const CHECKSUM_FLAG = 4;
const RLE_BLOCK = 1;
const RESERVED_BLOCK = 3;

let hashing: Promise<XXHashAPI> | undefined;

interface FrameHeader {
  /** For `fzstd`: the flag of the checksum, which it would wait for, is cleared. */
  readonly bytes: Uint8Array;
  readonly hasChecksum: boolean;
  /** Bytes of text in the frame; null where the file does not say. */
  readonly contentBytes: bigint | null;
}

/**
 * Decompresses Zstandard data, frame by frame. `fzstd` decodes blocks; it reads over a frame's size and checksum (the low 32
 * bits of XXH64), so that damage gives another text. Both are held to the content here.
 *
 * Reference: RFC 8878, section 3.1.
 *
 * @throws {Error} data that is broken or cut short, needs a dictionary or a window over 128 MiB, or has another size or checksum
 */
export async function* zstdDecompressed(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  hashing ??= xxhash();
  const { create64 } = await hashing;
  const reader = new ByteReader(source);
  while (!(await reader.isAtEnd())) {
    const magic = await reader.take(4);
    const number = view(magic).getUint32(0, true);
    if (number >>> 4 === SKIPPABLE) {
      await reader.skip(view(await reader.take(4)).getUint32(0, true));
      continue;
    }
    if (number !== FRAME) throw new Error(`a frame must begin with 28 b5 2f fd, got ${hex(magic)}`);
    const header = await readHeader(reader, magic);
    const hash = create64();
    let sizeBytes = 0n;
    for await (const chunk of blocks(reader, header)) {
      hash.update(chunk);
      sizeBytes += BigInt(chunk.length);
      yield chunk;
    }
    const { contentBytes, hasChecksum } = header;
    if (contentBytes !== null && sizeBytes !== contentBytes)
      throw new Error(`a frame of ${contentBytes} bytes decompresses to ${sizeBytes}`);
    if (!hasChecksum) continue;
    const checksum = view(await reader.take(4)).getUint32(0, true);
    const actual = Number(hash.digest() & 0xffffffffn);
    if (checksum !== actual)
      throw new Error(`the content's checksum is ${actual.toString(16)}, the file says ${checksum.toString(16)}`);
  }
}

async function readHeader(reader: ByteReader, magic: Uint8Array): Promise<FrameHeader> {
  const [flags = 0] = await reader.take(1);
  const isSingleSegment = (flags & 0x20) !== 0;
  const windowBytes = isSingleSegment ? 0 : 1;
  const dictionaryBytes = [0, 1, 2, 4][flags & 3] as number;
  const sizeBytes = flags >> 6 === 0 ? (isSingleSegment ? 1 : 0) : 1 << (flags >> 6);
  const rest = await reader.take(windowBytes + dictionaryBytes + sizeBytes);
  const dictionary = littleEndian(rest.subarray(windowBytes, windowBytes + dictionaryBytes));
  if (dictionary !== 0n)
    throw new Error(`it is compressed with the dictionary ${dictionary}, which is not in the file`);
  const size = littleEndian(rest.subarray(windowBytes + dictionaryBytes)) + (sizeBytes === 2 ? 256n : 0n);
  const [exponentAndMantissa = 0] = rest;
  const base = 2 ** (10 + (exponentAndMantissa >> 3));
  const window = isSingleSegment ? Number(size) : base + (base / 8) * (exponentAndMantissa & 7);
  if (window > MAX_WINDOW_BYTES)
    throw new Error(`its window is ${window} bytes, of at most ${MAX_WINDOW_BYTES}. Compress it without --long`);
  return {
    bytes: Buffer.concat([magic, Uint8Array.of(flags & ~CHECKSUM_FLAG), rest]),
    hasChecksum: (flags & CHECKSUM_FLAG) !== 0,
    contentBytes: sizeBytes === 0 ? null : size,
  };
}

async function* blocks(reader: ByteReader, header: FrameHeader): AsyncGenerator<Uint8Array> {
  let ready: Uint8Array[] = [];
  const frame = new Decompress((data) => {
    if (data.length > 0) ready.push(data);
  });
  frame.push(header.bytes);
  for (let isLast = false; !isLast; ) {
    const start = await reader.take(3);
    const bits = Number(littleEndian(start));
    const kind = (bits >> 1) & 3;
    const sizeBytes = bits >> 3;
    if (kind === RESERVED_BLOCK || sizeBytes > MAX_BLOCK_BYTES)
      throw new Error(`a block must be of a known kind and at most ${MAX_BLOCK_BYTES} bytes, got ${hex(start)}`);
    const content = await reader.take(kind === RLE_BLOCK ? 1 : sizeBytes);
    isLast = (bits & 1) === 1;
    frame.push(start);
    frame.push(content, isLast);
    yield* ready;
    ready = [];
  }
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => value * 256n + BigInt(byte), 0n);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
