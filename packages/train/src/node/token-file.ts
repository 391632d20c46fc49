import { open, stat } from 'node:fs/promises';
import { DataError } from '@modajs/tensor';

/** Integers in one file, little-endian. */
export interface TokenFile {
  readonly path: string;
  /** Where the first token is. */
  readonly headerBytes: number;
  readonly bytesPerToken: 2 | 4;
  readonly tokens: number;
}

/** llm.c's files begin with 256 32-bit integers: a magic number, a version, the number of tokens. */
const LLM_C_HEADER_BYTES = 1024;
const LLM_C_MAGIC: Readonly<Record<number, 2 | 4>> = { 20240520: 2, 20240801: 4 };

/** Bytes of a headerless file that are looked at to tell its width. */
const SAMPLE_BYTES = 1 << 20;
/** The upper half of a uint32 id is below this in any vocabulary of less than two million tokens. */
const HIGH_HALVES = 32;

/** Fewer pairs of halves may look so by chance. */
const MIN_PAIRS = 4;

/**
 * Finds out how a `.bin` file is laid out: llm.c's by its magic number (uint16 for GPT-2, uint32 for Llama 3), else ids from the
 * first byte, as nanoGPT writes them: uint32 when the vocabulary needs it or every second half of a number is an upper half,
 * else uint16.
 *
 * @param vocabSize ids of the tokenizer that the file was made with
 * @throws DataError for a file that is missing, empty, or shorter than its header says
 */
export async function inspectTokenFile(path: string, vocabSize: number): Promise<TokenFile> {
  const { size } = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new DataError(`data: ${path} must be a readable token file, got ${error.code}. Check data.sources.`, {
      path,
    });
  });
  const header = Buffer.alloc(Math.max(12, Math.min(size, SAMPLE_BYTES)));
  const file = await open(path, 'r');
  await file.read(header, 0, header.length, 0).finally(() => file.close());
  const bytesPerToken = size >= LLM_C_HEADER_BYTES ? LLM_C_MAGIC[header.readInt32LE(0)] : undefined;
  if (bytesPerToken === undefined) {
    const width = vocabSize > 1 << 16 || hasUpperHalves(header.subarray(0, size)) ? 4 : 2;
    return tokenFile(path, size, { headerBytes: 0, bytesPerToken: width, tokens: size / width });
  }
  return tokenFile(path, size, { headerBytes: LLM_C_HEADER_BYTES, bytesPerToken, tokens: header.readInt32LE(8) });
}

/** Whether every second uint16 is the upper half of a uint32: small, while some lower half is not. */
function hasUpperHalves(bytes: Buffer): boolean {
  if (bytes.length < 4 * MIN_PAIRS) return false;
  let isSmall = true;
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    if (bytes.readUInt16LE(at + 2) >= HIGH_HALVES) return false;
    if (bytes.readUInt16LE(at) >= HIGH_HALVES) isSmall = false;
  }
  return !isSmall;
}

function tokenFile(path: string, size: number, layout: Omit<TokenFile, 'path'>): TokenFile {
  const needed = layout.headerBytes + layout.tokens * layout.bytesPerToken;
  if (layout.tokens > 0 && Number.isInteger(layout.tokens) && size >= needed) return { path, ...layout };
  throw new DataError(
    `data: ${path} must hold ${Math.ceil(layout.tokens)} tokens in ${Math.ceil(needed)} B, got ${size} B. ` +
      'It was cut short: make it again.',
    { path, size, needed },
  );
}
